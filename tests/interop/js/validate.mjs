// Ajv, a JavaScript validator by others, reads our standards. The four formats are written here once more, from
// GB 11643, GB 32100 and RFC 3339, so that they agree with ours only if both are right.
// stdin: {schemas: {id: schema}, records: [{schema: id, record}]}   stdout: [true | false]
import Ajv2020 from 'ajv/dist/2020.js'

let text = ''
for await (const chunk of process.stdin) text += chunk
const told = JSON.parse(text)

const exists = (year, month, day) => {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1]
}

const date = (value) => {
  const found = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(value)
  return found !== null && exists(Number(found[1]), Number(found[2]), Number(found[3]))
}

const dateTime = (value) => {
  const found = /^(.{10})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))$/.exec(value)
  if (found === null || !date(found[1])) return false
  const [hour, minute, second, offsetHour, offsetMinute] = [2, 3, 4, 6, 7].map((group) => Number(found[group] ?? 0))
  if (hour > 23 || minute > 59 || offsetHour > 23 || offsetMinute > 59) return false
  const offset = (offsetHour * 60 + offsetMinute) * (found[5] === '-' ? -1 : 1)
  const utc = (hour * 60 + minute - offset + 2880) % 1440
  return second < 60 || (second === 60 && utc === 1439)
}

// ISO 7064 MOD 11-2, the recursive way of the standard: no table of weights
const residentId = (value) => {
  if (!/^[1-9][0-9]{16}[0-9X]$/.test(value)) return false
  if (!exists(Number(value.slice(6, 10)), Number(value.slice(10, 12)), Number(value.slice(12, 14)))) return false
  let product = 0
  for (const digit of value.slice(0, 17)) product = ((product + Number(digit)) * 2) % 11
  return '0123456789X'[(12 - product) % 11] === value[17]
}

const socialCredit = (value) => {
  const alphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY'
  if (!/^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$/.test(value)) return false
  let sum = alphabet.indexOf(value[17])
  let weight = 1
  for (const character of value.slice(0, 17)) {
    sum += alphabet.indexOf(character) * weight
    weight = (weight * 3) % 31
  }
  return sum % 31 === 0
}

const words = new Set()
const collect = (value) => {
  if (value === null || typeof value !== 'object') return
  for (const [name, below] of Object.entries(value)) {
    if (!Array.isArray(value) && name.startsWith('x-')) words.add(name)
    collect(below)
  }
}
collect(told.schemas)

// strict: a keyword or format that Ajv does not know is an error, not silence
const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, validateFormats: true })
ajv.addVocabulary([...words])
ajv.addFormat('date', date)
ajv.addFormat('date-time', dateTime)
ajv.addFormat('cn-resident-id', residentId)
ajv.addFormat('cn-uscc', socialCredit)

const validators = new Map()
for (const [id, schema] of Object.entries(told.schemas)) validators.set(id, ajv.compile(schema))
process.stdout.write(JSON.stringify(told.records.map(({ schema, record }) => validators.get(schema)(record))))

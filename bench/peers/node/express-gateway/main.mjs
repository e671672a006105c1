// express-gateway as its makers mean it: one configuration, a cluster of processes. node main.mjs SETTINGS.json
import cluster from 'node:cluster';
import { readFileSync, writeFileSync, mkdirSync, cpSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, dirname } from 'node:path';

const settings = JSON.parse(readFileSync(process.argv[2]));
const folder = join(settings.workdir, 'config');

const gateway = {
  http: { port: settings.port, hostname: '127.0.0.1' },
  apiEndpoints: { all: { host: '*', paths: '/*' } },
  serviceEndpoints: { department: { url: settings.department } },
  policies: ['jwt', 'proxy'],
  pipelines: {
    records: {
      apiEndpoints: ['all'],
      policies: [
        { jwt: [{ action: {
          secretOrPublicKeyFile: join(settings.workdir, 'issuer.pem'), algorithms: ['RS256'],
          issuer: settings.issuer, audience: settings.audience, checkCredentialExistence: false } }] },
        { proxy: [{ action: { serviceEndpoint: 'department' } }] },
      ],
    },
  },
};
const system = {
  db: { redis: { emulate: true, namespace: 'EG' } },
  crypto: { cipherKey: 'not used: no credentials are kept', algorithm: 'aes256', saltRounds: 10 },
  session: { secret: 'not used: no sessions', resave: false, saveUninitialized: false },
};

if (cluster.isPrimary) {
  const require = createRequire(import.meta.url);
  mkdirSync(folder, { recursive: true });
  cpSync(join(dirname(require.resolve('express-gateway/package.json')), 'lib/config/models'), join(folder, 'models'),
    { recursive: true });
  // JSON is YAML.
  writeFileSync(join(folder, 'gateway.config.yml'), JSON.stringify(gateway));
  writeFileSync(join(folder, 'system.config.yml'), JSON.stringify(system));
  let listening = 0;
  cluster.on('listening', () => {
    if (++listening === settings.processes) writeFileSync(join(settings.workdir, 'ready'), '');
  });
  cluster.on('exit', () => process.exit(1)); // a peer with a process less is not the one that is measured
  for (let n = 0; n < settings.processes; n++) cluster.fork({ LOG_LEVEL: 'error', NODE_ENV: 'production' });
} else {
  const { default: start } = await import('express-gateway');
  await start().load(folder).run();
}

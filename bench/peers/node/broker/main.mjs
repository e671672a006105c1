// A broker of the usual parts, as a good team would build it in a week. node main.mjs SETTINGS.json
// fastify, jose (ES256 token), ajv (request and records), undici (department), better-sqlite3 (one entry for each
// query, in groups), Ed25519 signature on each answer. No DPoP, consent, agreement, crosswalk, tree or receipt.
import cluster from 'node:cluster';
import { createHash, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import fastify from 'fastify';
import { jwtVerify } from 'jose';
import { Pool } from 'undici';
import { openLog } from './log.mjs';

const settings = JSON.parse(readFileSync(process.argv[2]));

const REQUEST = {
  type: 'object', required: ['standard', 'fields', 'subject'], additionalProperties: false,
  properties: {
    standard: { type: 'string', maxLength: 100 },
    fields: { type: 'array', minItems: 1, maxItems: 100, items: { type: 'string', maxLength: 100 } },
    subject: {
      type: 'object', required: ['scheme', 'id'], additionalProperties: false,
      properties: { scheme: { const: 'cn.resident-id' }, id: { type: 'string', pattern: '^[0-9]{17}[0-9X]$' } },
    },
  },
};

function refused(status, code) {
  return Object.assign(new Error(code), { statusCode: status });
}

function cut(records, granted) {
  return records.map((record) => {
    const kept = {};
    for (const name of granted) if (name in record) kept[name] = record[name];
    return kept;
  });
}

async function serve() {
  const issuer = createPublicKey(readFileSync(join(settings.workdir, 'issuer.pem')));
  const expected = { algorithms: ['ES256'], issuer: settings.issuer, audience: settings.audience };
  const ajv = new Ajv();
  const valid = Object.fromEntries(Object.entries(settings.schemas).map(([place, row]) => [place,
    ajv.compile({ type: 'object', required: ['records'], properties: { records: { type: 'array', items: row } } })]));
  const department = new Pool(settings.department, { connections: 1024, pipelining: 1 });
  const log = openLog(join(settings.workdir, `log-${cluster.worker.id}.sqlite`));
  const { privateKey } = generateKeyPairSync('ed25519');
  const app = fastify();

  app.post('/:place/records', { schema: { body: REQUEST } }, async (request, reply) => {
    const { place } = request.params;
    if (!(place in valid)) throw refused(404, 'no such service');
    const asked = request.body;
    const granted = asked.fields.filter((name) => request.claims.fields.includes(name));
    if (granted.length === 0) throw refused(403, 'no field is granted');

    const answer = await department.request({
      method: 'POST', path: `/${place}/records`, headers: { 'content-type': 'application/json' },
      body: JSON.stringify(asked),
    });
    const found = await answer.body.json();
    if (answer.statusCode !== 200 || !valid[place](found)) throw refused(502, 'the department\'s answer is not usable');

    const body = JSON.stringify({ records: cut(found.records, granted), as_of: found.as_of });
    const entry = {
      id: randomUUID(), at: Date.now(), client: request.claims.sub, service: place, fields: granted.join(' '),
      digest: createHash('sha256').update(body).digest('base64url'),
    };
    await log.append(entry);
    const signature = sign(null, `${entry.id}.${entry.at}.${entry.digest}`, privateKey).toString('base64url');
    reply.header('entry', `${entry.id}.${entry.at}`).header('signature', signature).type('application/json');
    return body;
  });

  // Before the body is read: nobody without a token makes us parse.
  app.decorateRequest('claims', null);
  app.addHook('onRequest', async (request) => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (!token) throw refused(401, 'no token');
    try {
      request.claims = (await jwtVerify(token, issuer, expected)).payload;
    } catch {
      throw refused(401, 'the token is not good');
    }
  });
  await app.listen({ host: '127.0.0.1', port: settings.port, backlog: 8192 });
}

if (cluster.isPrimary) {
  let listening = 0;
  cluster.on('listening', () => {
    if (++listening === settings.processes) writeFileSync(join(settings.workdir, 'ready'), '');
  });
  cluster.on('exit', () => process.exit(1)); // a peer with a process less is not the one that is measured
  for (let n = 0; n < settings.processes; n++) cluster.fork({ NODE_ENV: 'production' });
} else {
  await serve();
}

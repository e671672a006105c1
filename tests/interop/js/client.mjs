// Gets a token and calls a protected address, as openid-client's own documentation shows it; nothing here is ours.
// stdin: {base_url, client_id, key, alg, authorization_details, url, body, times, subject_token?}   stdout: {token, answers}
import * as client from 'openid-client'

let text = ''
for await (const chunk of process.stdin) text += chunk
const told = JSON.parse(text)

const { d, p, q, dp, dq, qi, ...publicJwk } = told.key
const curve = { ES256: { name: 'ECDSA', namedCurve: 'P-256' }, PS256: { name: 'RSA-PSS', hash: 'SHA-256' }, Ed25519: { name: 'Ed25519' } }[told.alg]
const load = (jwk, use) => {
  const { alg, use: _use, kid, key_ops, ext, ...members } = jwk
  return crypto.subtle.importKey('jwk', members, curve, true, [use])
}
const keyPair = { privateKey: await load(told.key, 'sign'), publicKey: await load(publicJwk, 'verify') }

const config = await client.discovery(
  new URL(told.base_url),
  told.client_id,
  undefined,
  client.PrivateKeyJwt({ key: keyPair.privateKey, kid: told.key.kid }),
  { algorithm: 'oauth2', execute: [client.allowInsecureRequests] }, // http, because the gateway is on this machine
)
const DPoP = client.getDPoPHandle(config, keyPair)

const authorization_details = JSON.stringify(told.authorization_details)
const token = told.subject_token
  ? await client.genericGrantRequest(
      config,
      'urn:ietf:params:oauth:grant-type:token-exchange',
      { subject_token: told.subject_token, subject_token_type: 'urn:ietf:params:oauth:token-type:jwt', authorization_details },
      { DPoP },
    )
  : await client.clientCredentialsGrant(config, { authorization_details }, { DPoP })

const answers = []
for (let i = 0; i < told.times; i++) {
  const response = await client.fetchProtectedResource(
    config,
    token.access_token,
    new URL(told.url),
    'POST',
    JSON.stringify(told.body),
    new Headers({ 'content-type': 'application/json' }),
    { DPoP },
  )
  answers.push({ status: response.status, body: await response.json() })
}
process.stdout.write(JSON.stringify({ token, answers }))

// A verifier of the log, written from the public formats alone: RFC 6962 §2.1, C2SP signed-note, tlog-checkpoint,
// tlog-tiles, tlog-proof and tlog-cosignature (Ed25519). Nothing but Node's own crypto; nothing here is ours.
// stdin: {vkey, witnesses: [vkey], files: {path: base64}, proofs: [{proof, entry: base64}], older: [note], cosignatures}
// stdout: {problems: [text], size, witnesses: [name]}
import { createHash, createPublicKey, verify } from 'node:crypto'

const sha256 = (...parts) => { const hash = createHash('sha256'); for (const part of parts) hash.update(part); return hash.digest() }
const leafHash = (entry) => sha256(Buffer.of(0), entry)
const nodeHash = (left, right) => sha256(Buffer.of(1), left, right)
const fail = (why) => { throw new Error(why) }

const base64 = (text) => {
  const data = Buffer.from(text, 'base64')
  return data.toString('base64') === text ? data : fail('not base64 in its one spelling')
}

// ── notes ────────────────────────────────────────────────────────────────────────────────────────────────────────────
const readKey = (vkey, type) => {
  const [name, id, ...rest] = vkey.split('+')
  const material = base64(rest.join('+'))
  if (material[0] !== type || material.length !== 33) fail('another kind of key')
  const expected = sha256(`${name}\n`, material).subarray(0, 4)
  if (expected.toString('hex') !== id) fail('a key id that is not of this name and key')
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: material.subarray(1).toString('base64url') }
  return { name, id: expected, key: createPublicKey({ key: jwk, format: 'jwk' }) }
}

const readNote = (note) => {
  const at = note.lastIndexOf('\n\n')
  if (at < 0 || !note.endsWith('\n')) fail('no signed note')
  const signatures = note.slice(at + 2, -1).split('\n').map((line) => {
    const [, name, data] = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? fail('a signature line that cannot be read')
    return { name, data: base64(data) }
  })
  return { text: note.slice(0, at + 1), signatures }
}

const by = ({ signatures }, key) => signatures.filter(({ name, data }) => name === key.name && data.subarray(0, 4).equals(key.id))

const readCheckpoint = (note, log) => {
  const read = readNote(note)
  const mine = by(read, log)
  if (mine.length === 0) fail('the log did not sign the checkpoint')
  for (const { data } of mine) if (!verify(null, Buffer.from(read.text), log.key, data.subarray(4))) fail('the signature of the log does not hold')
  const [origin, size, root, ...more] = read.text.slice(0, -1).split('\n')
  if (origin !== log.name || !/^(0|[1-9][0-9]*)$/.test(size) || more.length) fail('no checkpoint of this log')
  return { ...read, size: Number(size), root: base64(root) }
}

const cosigned = (checkpoint, witness) => by(checkpoint, witness).some(({ data }) => {
  const time = data.readBigUInt64BE(4)
  const text = `cosignature/v1\ntime ${time}\n${checkpoint.text}`
  if (data.length !== 76 || !verify(null, Buffer.from(text), witness.key, data.subarray(12))) fail(`the cosignature of ${witness.name} does not hold`)
  return true
})

// ── trees ────────────────────────────────────────────────────────────────────────────────────────────────────────────
const rootOf = (hashes) => {
  if (hashes.length === 0) return sha256()
  if (hashes.length === 1) return hashes[0]
  let k = 1
  while (k * 2 < hashes.length) k *= 2
  return nodeHash(rootOf(hashes.slice(0, k)), rootOf(hashes.slice(k)))
}

const included = (index, size, leaf, path, root) => {
  if (index >= size) fail('an index beyond the tree')
  let [at, last, hash] = [BigInt(index), BigInt(size) - 1n, leaf]
  for (const sibling of path) {
    if (last === 0n) fail('a proof too long')
    if ((at & 1n) === 1n || at === last) {
      hash = nodeHash(sibling, hash)
      while ((at & 1n) === 0n && at !== 0n) [at, last] = [at >> 1n, last >> 1n]
    } else hash = nodeHash(hash, sibling)
    ;[at, last] = [at >> 1n, last >> 1n]
  }
  if (last !== 0n || !hash.equals(root)) fail('the proof does not lead to the root')
}

const readProof = (text, log) => {
  const at = text.indexOf('\n\n')
  const lines = text.slice(0, at).split('\n')
  if (lines.shift() !== 'c2sp.org/tlog-proof@v1') fail('no proof')
  if (lines[0]?.startsWith('extra ')) lines.shift()
  const index = /^index (0|[1-9][0-9]*)$/.exec(lines.shift()) ?? fail('no index')
  return { index: Number(index[1]), path: lines.map(base64), checkpoint: readCheckpoint(text.slice(at + 2), log) }
}

const tilePath = (level, number, width) => {
  const digits = String(number).padStart(Math.ceil(String(number).length / 3) * 3, '0').match(/.{3}/g)
  const name = digits.map((group, at) => (at < digits.length - 1 ? `x${group}` : group)).join('/')
  return `tile/${level}/${name}${width === 256 ? '' : `.p/${width}`}`
}

const tilesOf = (count) => Array.from({ length: Math.ceil(count / 256) }, (_, number) => [number, Math.min(256, count - number * 256)])

const readLog = (files, size, root) => {
  const file = (path) => (path in files ? Buffer.from(files[path], 'base64') : fail(`${path} is missing`))
  const leaves = []
  for (const [number, width] of tilesOf(size)) {
    const bundle = file(tilePath('entries', number, width))
    let at = 0
    for (let count = 0; count < width; count++) {
      if (at + 2 > bundle.length) fail('a bundle that ends early')
      const end = at + 2 + bundle.readUInt16BE(at)
      if (end > bundle.length) fail('a bundle that ends early')
      leaves.push(leafHash(bundle.subarray(at + 2, end)))
      at = end
    }
    if (at !== bundle.length) fail('a bundle with more than its entries')
  }
  let row = leaves
  for (let level = 0; row.length > 0; level++) {
    for (const [number, width] of tilesOf(row.length)) {
      const expected = Buffer.concat(row.slice(number * 256, number * 256 + width))
      if (!file(tilePath(level, number, width)).equals(expected)) fail(`${tilePath(level, number, width)} is not of these entries`)
    }
    row = Array.from({ length: Math.floor(row.length / 256) }, (_, number) => rootOf(row.slice(number * 256, number * 256 + 256)))
  }
  if (!rootOf(leaves).equals(root)) fail('entries and checkpoint do not fit')
  return leaves
}

// ── the task ─────────────────────────────────────────────────────────────────────────────────────────────────────────
let text = ''
for await (const chunk of process.stdin) text += chunk
const told = JSON.parse(text)
const problems = []
const attempt = (what, act) => { try { return act() } catch (error) { problems.push(`${what}: ${error.message}`) } }

const log = readKey(told.vkey, 1)
const checkpoint = attempt('checkpoint', () => readCheckpoint(Buffer.from(told.files.checkpoint, 'base64').toString(), log))
const leaves = checkpoint && attempt('log', () => readLog(told.files, checkpoint.size, checkpoint.root))
for (const note of told.older ?? []) {
  attempt('older checkpoint', () => {
    const older = readCheckpoint(note, log)
    if (!leaves || older.size > leaves.length || !rootOf(leaves.slice(0, older.size)).equals(older.root)) fail('the log does not continue it')
  })
}
for (const { proof, entry } of told.proofs ?? []) {
  attempt('proof', () => {
    const read = readProof(proof, log)
    included(read.index, read.checkpoint.size, leafHash(Buffer.from(entry, 'base64')), read.path, read.checkpoint.root)
  })
}
const witnesses = (told.witnesses ?? []).map((vkey) => readKey(vkey, 4))
const saw = checkpoint && attempt('cosignatures', () => witnesses.filter((witness) => cosigned(checkpoint, witness)).map(({ name }) => name))
process.stdout.write(JSON.stringify({ problems, size: checkpoint?.size, witnesses: saw ?? [] }))

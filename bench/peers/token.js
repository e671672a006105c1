// Verifies the ES256 token of a request and passes the request on. njs keeps nothing from one request to the next,
// so the key is imported each time: that is what njs costs, not a choice of ours.
const ES256 = { name: 'ECDSA', namedCurve: 'P-256' };

async function claims(r) {
    const parts = (r.headersIn.Authorization || '').replace('Bearer ', '').split('.');
    if (parts.length !== 3 || JSON.parse(Buffer.from(parts[0], 'base64url')).alg !== 'ES256') {
        throw new Error('no ES256 token');
    }
    const key = await crypto.subtle.importKey('spki', Buffer.from(r.variables.es256, 'base64'), ES256, false, ['verify']);
    const good = await crypto.subtle.verify(
        { name: 'ECDSA', hash: 'SHA-256' }, key,
        Buffer.from(parts[2], 'base64url'), Buffer.from(`${parts[0]}.${parts[1]}`));
    if (!good) {
        throw new Error('wrong signature');
    }
    return JSON.parse(Buffer.from(parts[1], 'base64url'));
}

async function check(r) {
    try {
        const said = await claims(r);
        const now = Date.now() / 1000;
        if (said.iss !== r.variables.issuer || said.aud !== r.variables.audience || !(said.exp > now && said.iat <= now)) {
            throw new Error('not for us, or not now');
        }
    } catch (error) {
        r.return(401);
        return;
    }
    r.internalRedirect('@department');
}

export default { check };

// A real OpenID Connect provider: npm's oidc-provider, with its own pages to sign in and to agree.
// Arguments: its port, the client's secret, and the addresses that browsers may be sent back to.
// Whoever signs in as NAME is in the groups NAME-devs and everybody.
import { Provider } from 'oidc-provider';

const [port, secret, ...redirects] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'prevs', client_secret: secret, redirect_uris: redirects }],
  scopes: ['openid', 'profile', 'email', 'groups'],
  claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
  pkce: { required: () => true },
  findAccount: (_, name) => ({
    accountId: name,
    claims: () => ({ sub: name, preferred_username: name, groups: [`${name}-devs`, 'everybody'] }),
  }),
});
provider.on('server_error', (_, error) => console.error(error));
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));

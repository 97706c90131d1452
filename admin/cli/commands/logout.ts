import { gatewayUrl, openClient } from '../client.ts';
import { command } from '../command.ts';
import { Failure } from '../failure.ts';
import { findSession, forgetSession } from '../session.ts';

/** Revokes the kept token and forgets it; a gateway that does not answer keeps nobody logged in here. */
export const logout = command({
  name: 'logout',
  description: 'Revoke the token that login keeps, and forget it',
  async run({ identity, output }) {
    const url = gatewayUrl(identity);
    if (findSession(url) === null) {
      throw new Failure('access', `Not logged in at ${url}`);
    }
    let revoked = true;
    try {
      const client = await openClient({ url }, {});
      await client.send('POST', '/authorization/revoke');
    } catch {
      revoked = false;
    }
    forgetSession(url);
    output.result({ url, revoked }, () =>
      revoked ? `Logged out at ${url}` : `Logged out here; ${url} did not revoke the token, which ends by itself`,
    );
  },
});

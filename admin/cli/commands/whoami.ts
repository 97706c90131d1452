import { command } from '../command.ts';
import { table } from '../output.ts';

interface User {
  id: number;
  name: string;
  email?: string;
  scopes?: string[];
}

/** Shows who the gateway takes the caller for. */
export const whoami = command({
  name: 'whoami',
  description: 'Show who you are at the gateway',
  async run({ client, output }) {
    const api = await client();
    const user = await api.get<User>('/authorization/whoami');
    output.result({ url: api.url, ...user }, () =>
      table([
        ['Gateway', api.url],
        ['User', `${user.name} (${user.id})`],
        ...(user.email === undefined ? [] : [['E-mail', user.email]]),
        ...(user.scopes === undefined ? [] : [['Scopes', user.scopes.join(', ')]]),
      ]),
    );
  },
});

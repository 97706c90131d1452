/** The pages that every tenant starts with; the order gives Fusio's ids. Status: 1 visible, 2 invisible. */
export const seededPages: readonly { status: 1 | 2; title: string; slug: string; content: string }[] = [
  {
    status: 2,
    title: 'Overview',
    slug: 'overview',
    content: `<h1>Welcome</h1>
<p>This is the developer portal of our API. Create an account, register an app, and call the API with its key.</p>
<ul>
<li><b>Getting started</b> leads from an account to the first call.</li>
<li><b>Authorization</b> tells how an app gets a token.</li>
<li><b>API</b> lists every operation with its parameters and answers.</li>
</ul>`,
  },
  {
    status: 1,
    title: 'Getting started',
    slug: 'getting-started',
    content: `<h1>Getting started</h1>
<ol>
<li>Create an account and log in.</li>
<li>Register an app: it gets a key and a secret, and the scopes that you choose.</li>
<li>Ask for a token with them: <code>POST /authorization/token</code> with
<code>grant_type=client_credentials</code> and the key and secret as Basic credentials.</li>
<li>Call an operation with the header <code>Authorization: Bearer &lt;token&gt;</code>.</li>
</ol>
<p>Headers named <code>RateLimit-*</code> tell how many calls are left; a 429 says in <code>Retry-After</code> how long to
wait.</p>`,
  },
  {
    status: 1,
    title: 'API',
    slug: 'api',
    content: `<h1>API</h1>
<p>Every operation has a method, a path, the scopes that may call it, and schemas of what it takes and gives. Answers are
JSON. What goes wrong has a status from 400 on and a body with <code>title</code> and <code>message</code>; broken rules of the
input are listed under <code>errors</code>, each with the place it concerns.</p>`,
  },
  {
    status: 1,
    title: 'Authorization',
    slug: 'authorization',
    content: `<h1>Authorization</h1>
<p>Tokens are issued at <code>/authorization/token</code> (OAuth 2.0). An app asks in its own name with the grant
<code>client_credentials</code>. The answer holds <code>access_token</code>, <code>expires_in</code> (seconds),
<code>refresh_token</code> and <code>scope</code>.</p>
<p>A refresh token is good once: the answer to <code>grant_type=refresh_token</code> brings the next one. A token that is no
longer needed is ended with <code>POST /authorization/revoke</code>.</p>`,
  },
  {
    status: 1,
    title: 'Support',
    slug: 'support',
    content: `<h1>Support</h1>
<p>Something does not work? Have the header <code>X-Request-Id</code> of the answer at hand when you write to us: it finds the
call in our log.</p>`,
  },
  {
    status: 1,
    title: 'SDK',
    slug: 'sdk',
    content: `<h1>SDK</h1>
<p>The API is plain HTTP with JSON, so that any client will do.</p>`,
  },
];

// A name is secret by what it contains, by a whole word, or by its last words. In doubt it is: a masked number in a log
// costs a minute, a password in a log costs an account.

/** Anywhere in the name, once case and separators are gone. */
const fragments =
  /passw|passphrase|passcode|secret|token|credential|authoriz|authentic|cookie|signature|bearer|jwt|apikey|appkey|accesskey|privatekey|masterkey|signingkey|encryptionkey|sharedkey|sessionid|sessid|clientassertion|codeverifier|(?:auth|authorization|verification|activation|confirmation|recovery|backup|security|device|user|reset|access|invite|login|onetime|mfa|sms|pin)code|cardnumber|accountnumber|clientcert|mnemonic|seedphrase|kennwort|motdepasse|wachtwoord|parola|senha|(?<!by|com|over|sur|tres)pass$/;

/** The same in other scripts. */
const otherScripts = /парол|密码|密碼|口令|パスワード|暗証|비밀번호|contraseña|hasło|şifre|κωδικ/;

/** As a word of its own: `x-auth-user`, `mfa_otp`, `dbPass`. */
const words = new Set(
  'auth pass pwd pw pin otp totp mfa sig hmac sid sas session csrf xsrf cvv cvc cvv2 cvc2 ccv ssn nip dpop passkey'.split(
    ' ',
  ),
);

/** As the whole name: too common as a part of others (`statusCode`, `countryCode`). */
const wholes = new Set('key keys code assertion ticket'.split(' '));

/** Last words that make a key: `subscription-key`, `x-functions-key`. */
const keys = /(?:^|[^a-z])keys?$/;

/** Keys, tokens and the like that open nothing. */
const harmless =
  /^(?:primary|foreign|sort|partition|public|idempotency|cache|routing|row|column|index|group|order|message|translation|i18n|issue|project|object|surrogate|secwebsocket)keys?$|^(?:max|min|total|prompt|completion|input|output|cached|reasoning|num|maxcompletion|maxoutput)tokens?$|^token(?:type|count|s?limit|endpoint|url|uri)$|^signature(?:s?version|algorithm|method)$|^(?:password|secret)(?:length|policy|strength|required)$|^wwwauthenticate$|^authorization(?:url|uri|endpoint)$/;

const known = new Map<string, boolean>();

/**
 * Whether a value under this name (of a header, query parameter, form field, JSON or XML member) must not be seen:
 * `Authorization`, `access_token`, `user[password]`, `clientSecret`, `code`.
 */
export function isSecretName(name: string): boolean {
  if (name.length > 128) {
    return fragments.test(squash(name));
  }
  let secret = known.get(name);
  if (secret === undefined) {
    secret = judge(name);
    // Names come from outside: the memory of them is bounded.
    if (known.size >= 2000) {
      known.clear();
    }
    known.set(name, secret);
  }
  return secret;
}

function judge(name: string): boolean {
  // `user[password]`, `user.password`: the innermost name decides, but a secret one outside covers all that is in it.
  const parts = name
    .normalize('NFKC')
    .split(/[[\].]+/)
    .filter((part) => part !== '');
  return parts.some((part) => {
    const squashed = squash(part);
    if (harmless.test(squashed.replace(/^x(?=.{4})/, '')) || harmless.test(squashed)) {
      return false;
    }
    const spaced = part
      .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
      .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
      .toLowerCase();
    return (
      wholes.has(squashed) ||
      fragments.test(squashed) ||
      otherScripts.test(spaced) ||
      keys.test(spaced) ||
      spaced.split(/[^a-z0-9]+/).some((word) => words.has(word))
    );
  });
}

function squash(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '');
}

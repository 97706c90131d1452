import { ApiError } from '../core/errors.ts';

/** Failures of the token endpoint (RFC 6749 §5.2) → HTTP status and default description, in Fusio's wording. */
const table = {
  invalid_request: [400, 'The request is not valid'],
  invalid_client: [401, 'Unknown credentials'],
  invalid_grant: [400, 'Unknown credentials'],
  invalid_scope: [400, 'No valid scope given'],
  unsupported_grant_type: [400, 'Provided an invalid grant type'],
  slow_down: [429, 'Too many failed attempts, please try again later'],
  temporarily_unavailable: [503, 'The service is temporarily unavailable'],
  server_error: [500, 'The server encountered an internal error and was unable to complete your request.'],
} as const satisfies Record<string, readonly [number, string]>;

export type OAuthErrorCode = keyof typeof table;

/** A refused grant. `retryAfter` in seconds; `cause` is never shown, only observed. */
export class OAuthError extends Error {
  readonly code: OAuthErrorCode;
  readonly status: number;
  readonly retryAfter: number | undefined;

  constructor(code: OAuthErrorCode, description?: string, details: { retryAfter?: number; cause?: unknown } = {}) {
    super(description ?? table[code][1], details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'OAuthError';
    this.code = code;
    this.status = table[code][0];
    this.retryAfter = details.retryAfter;
  }

  static from(thrown: unknown): OAuthError {
    if (thrown instanceof OAuthError) {
      return thrown;
    }
    const { code, headers } = ApiError.from(thrown);
    return code === 'unavailable'
      ? new OAuthError('temporarily_unavailable', undefined, {
          retryAfter: Number(headers['Retry-After'] ?? 1),
          cause: thrown,
        })
      : new OAuthError('server_error', undefined, { cause: thrown });
  }

  /** The answer of the token endpoint. */
  toResponse(): Response {
    const headers = new Headers(noStore);
    if (this.retryAfter !== undefined) {
      headers.set('Retry-After', String(this.retryAfter));
    }
    if (this.code === 'invalid_client') {
      headers.set('WWW-Authenticate', 'Basic realm="Postern", charset="UTF-8"');
    }
    return Response.json({ error: this.code, error_description: this.message }, { status: this.status, headers });
  }

  /** The same failure as an operation of the API answers it; `wrong` is what it says about credentials. */
  toApiError(wrong: string): ApiError {
    const headers = this.retryAfter === undefined ? undefined : { 'Retry-After': String(this.retryAfter) };
    switch (this.code) {
      case 'invalid_client':
      case 'invalid_grant':
        return new ApiError('invalid_credentials', wrong);
      case 'slow_down':
        return new ApiError('rate_limited', this.message, { headers });
      case 'temporarily_unavailable':
        return new ApiError('unavailable', this.message, { headers, cause: this.cause });
      case 'server_error':
        return new ApiError('internal', undefined, { cause: this.cause });
      default:
        return new ApiError('invalid_request', this.message);
    }
  }
}

/** Nothing that holds a token or says why there is none may be kept (RFC 6749 §5.1). */
export const noStore = { 'Cache-Control': 'no-store', Pragma: 'no-cache' } as const;

import { expect } from 'vitest';
import type { Gateway } from '../../helpers/gateway.ts';
import { request } from '../../helpers/management.ts';

/** One thing done wrong, and what is said about it. */
export interface Case {
  what: string;
  method?: string;
  path: string;
  body?: unknown;
  headers?: () => Record<string, string>;
  status: number;
  code: string;
  pointer?: string;
  message?: RegExp;
}

/** The answer has its status and code, the body that all errors have, and names what is wrong. */
export async function expectError(gateway: Gateway, test: Case, headers: Record<string, string>): Promise<void> {
  const answer = await request(gateway, test.method ?? 'GET', test.path, test.body, { headers });
  expect({ status: answer.status, code: answer.body.code }, JSON.stringify(answer.body)).toEqual({
    status: test.status,
    code: test.code,
  });
  expect(answer.body).toMatchObject({
    success: false,
    type: 'about:blank',
    status: test.status,
    title: expect.any(String),
    detail: answer.body.message,
  });
  expect(answer.body.title).not.toBe(answer.body.message);
  expect(answer.body.instance).toBe(`urn:uuid:${answer.headers.get('x-request-id')}`);
  expect(JSON.stringify(answer.body)).not.toMatch(/at .*\.(js|ts):\d+/);
  if (test.message !== undefined) {
    expect(answer.body.message).toMatch(test.message);
  }
  if (test.pointer !== undefined) {
    expect(answer.body.errors.map((error: { pointer: string }) => error.pointer)).toContain(test.pointer);
    expect(
      answer.body.errors.every((error: { rule: string; message: string }) => error.rule !== '' && error.message !== ''),
    ).toBe(true);
  }
}

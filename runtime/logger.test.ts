import { expect, test } from 'vitest';
import { createLogger } from './logger.ts';
import type { Logger } from './logger.ts';

class ApiError extends Error {
  readonly body = 'Jane Doe, 1 Main Street';
  readonly headers = { authorization: 'Bearer s3cret' };
  readonly code = 'E_API';
}

function linesOf(write: (logger: Logger) => void): unknown[] {
  const lines: string[] = [];
  write(createLogger({ level: 'debug', role: 'deliver' }, { write: (line) => void lines.push(line) }));
  return lines.map((line): unknown => JSON.parse(line));
}

test('a line holds the role, the message and its fields', () => {
  const lines = linesOf((logger) => logger.warn({ connector: 'erp', lane: 3 }, 'the lane cannot be taken yet'));
  expect(lines).toMatchObject([{ level: 40, role: 'deliver', connector: 'erp', lane: 3, msg: 'the lane cannot be taken yet' }]);
});

test('a line below the level is not written', () => {
  expect(linesOf((logger) => logger.trace('x'))).toEqual([]);
});

test('an error is written as its class, message and causes, and nothing that a library hung on it', () => {
  const cause = new ApiError('409 from the server', { cause: new TypeError('socket closed') });
  const [line] = linesOf((logger) => logger.error({ err: new Error('updating the stream', { cause }) }, 'failed'));
  expect(line).toMatchObject({
    err: {
      type: 'Error',
      message: 'updating the stream',
      cause: { type: 'ApiError', message: '409 from the server', cause: { type: 'TypeError', message: 'socket closed' } },
    },
  });
  expect(JSON.stringify(line)).not.toMatch(/Jane|s3cret|"stack"/);
});

test('what is thrown and is no error is not written', () => {
  expect(linesOf((logger) => logger.error({ err: 'Jane Doe' }, 'failed'))).toMatchObject([{ err: { type: 'string' } }]);
  expect(linesOf((logger) => logger.error({ err: new Error('x', { cause: { body: 'Jane' } }) }, 'failed'))).toMatchObject([
    { err: { type: 'Error', message: 'x', cause: { type: 'object' } } },
  ]);
});

test('an error whose message says nothing is told by its code', () => {
  const refused = new AggregateError([new Error('connect ECONNREFUSED 127.0.0.1:4222')], '');
  Object.assign(refused, { code: 'ECONNREFUSED' });
  const [line] = linesOf((logger) => logger.error({ err: refused }, 'failed'));
  expect(JSON.stringify(line)).toContain('ECONNREFUSED');
});

test('bodies, headers, secrets and tokens are left out, at the top and one level down', () => {
  const secretFields = { body: 'Jane', headers: { a: 'Jane' }, secret: 'Jane', token: 'Jane', authorization: 'Jane' };
  const [line] = linesOf((logger) => logger.info({ ...secretFields, request: secretFields, kept: 1 }, 'x'));
  const leftOut = { body: '(left out)', headers: '(left out)', secret: '(left out)', token: '(left out)', authorization: '(left out)' };
  expect(line).toMatchObject({ ...leftOut, request: leftOut, kept: 1 });
  expect(JSON.stringify(line)).not.toContain('Jane');
});

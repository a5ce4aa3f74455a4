import { expect, test } from 'vitest';
import { parseAddress } from './listener.ts';

test('an address is a loopback address with a port', () => {
  expect(parseAddress('127.3.2.1:8080')).toEqual({ host: '127.3.2.1', port: 8080 });
});

test.each(['0.0.0.0:80', '10.0.0.1:80', '127.0.0.1', '127.0.0.1:70000', 'localhost:80', ''])('"%s" is refused as an address', (text) => {
  expect(() => parseAddress(text)).toThrow(TypeError);
});

import { expect, test } from 'vitest';
import { defaultEndpoint } from './endpoint.ts';

test.each([
  ['1234567', 'https://1234567.suitetalk.api.netsuite.com'],
  ['1234567_SB1', 'https://1234567-sb1.suitetalk.api.netsuite.com'],
  ['TSTDRV_12_RP', 'https://tstdrv-12-rp.suitetalk.api.netsuite.com'],
])('the account %s answers at %s', (account, endpoint) => {
  expect(defaultEndpoint(account)).toBe(endpoint);
});

import { expect, test } from 'vitest';
import { claimLoopbackNetwork } from './loopback-network.ts';

const signal = AbortSignal.timeout(20_000);

test('two claims at the same start hold different networks, and a released one can be claimed again', async () => {
  const first = await claimLoopbackNetwork(200, signal);
  const second = await claimLoopbackNetwork(200, signal);
  const firstHost = first.host;
  expect(second.host).not.toBe(firstHost);
  first.release();
  const third = await claimLoopbackNetwork(200, signal);
  expect(third.host).toBe(firstHost);
  second.release();
  third.release();
});

test('Pods lie in the lower half and Services in the upper, and Pod addresses begin anew after the last', async () => {
  const network = await claimLoopbackNetwork(210, signal);
  const prefix = network.host.replace(/\.0\.1$/u, '');
  expect([0, 253, 254, 127 * 254 - 1, 127 * 254].map((index) => network.podAddress(index))).toEqual([
    `${prefix}.1.1`,
    `${prefix}.1.254`,
    `${prefix}.2.1`,
    `${prefix}.127.254`,
    `${prefix}.1.1`,
  ]);
  expect(network.serviceRange).toBe(`${prefix}.128.0/17`);
  network.release();
});

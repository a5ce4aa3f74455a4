import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { conditionOf, OperatorRig } from './operator-rigreal.ts';
import { netSuite, pipeline, shopify } from './operator-objects.ts';
const signal = AbortSignal.timeout(240_000);
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
let rig: OperatorRig;
beforeAll(async () => { rig = await OperatorRig.start(signal); });
afterAll(async () => { console.log(rig.log); await rig?.stop(); });
test('smoke', async () => {
  rig.startOperator();
  const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const secret = (name: string, key: string, value: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'shop' }, stringData: { [key]: value } });
  await rig.apply(secret('shopify', 'client-secret', 'abc'), secret('netsuite', 'private-key', pem), shopify(), netSuite(), pipeline('orders'));
  try {
    await rig.until(async () => { expect([conditionOf(await rig.pipeline('orders'), 'Ready'), conditionOf(await rig.pipeline('orders'), 'TargetReachable')]).toEqual(['True InPlace', 'True CircuitClosed']); });
    await rig.until(async () => { expect(conditionOf(await rig.connector('netsuite'), 'CredentialsValid')).toEqual('True Accepted'); });
  } finally {
    console.log(await rig.kubectl(['get', 'syncpipelines,connectors,deployments,pods', '-n', 'shop', '-o','wide']));
    console.log(await rig.kubectl(['logs', '-n', 'shop', 'deployment/pp-netsuite-deliver']).catch(String));
    console.log(await rig.kubectl(['logs', '-n', 'shop', 'deployment/pp-shopify-ingest']).catch(String));
    console.log(JSON.stringify((await rig.pipeline('orders')).status, null, 1));
  }
});

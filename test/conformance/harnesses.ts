import type { ConnectorType } from '../../runtime/connectors/registry.ts';
import type { Harness } from './harness.ts';
import { netSuiteHarness } from './net-suite.ts';
import { shopifyHarness } from './shopify.ts';

/** One for each registered connector: without one, neither the types nor the suite pass. */
export const harnesses: Readonly<Record<ConnectorType, Harness>> = {
  NetSuite: netSuiteHarness,
  Shopify: shopifyHarness,
};

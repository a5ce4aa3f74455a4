import type { ConnectorDefinition } from './connector.ts';
import { netSuite } from './net-suite/definition.ts';
import { shopify } from './shopify/definition.ts';

/** Every connector type this build knows. One line per connector, in alphabetical order. */
export const connectors = [netSuite, shopify] as const;
export type ConnectorType = (typeof connectors)[number]['type'];

/** Definition of a type; undefined for a type this build does not know. */
export function connectorOfType(type: string): ConnectorDefinition | undefined {
  return connectors.find((connector) => connector.type === type);
}

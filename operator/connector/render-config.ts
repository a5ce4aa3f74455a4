/** What the pods are told of a Connector. Pure. */
import type { ConnectorFile } from '../../runtime/contract/config.ts';
import { configMapKeys, connectorConfigMap } from '../../runtime/contract/names.ts';
import { durationMs, quantityBytes } from '../../runtime/contract/schema-fields.ts';
import type { ConnectorSpec } from '../../crds/schema/connector.ts';
import { effectiveConnector } from '../../crds/schema/effective.ts';
import { connectorDefaults } from '../../crds/schema/defaults.ts';
import { label, ownLabels } from '../data-plane/labels.ts';
import { apiVersionOf, resourceTypes } from '../kubernetes/objects.ts';
import type { OwnerReference, RenderedObject } from '../kubernetes/objects.ts';
import type { Account, ConnectorResource } from './resource.ts';

export function renderConnectorFile(
  { namespace, name, generation }: ConnectorResource,
  { spec, account }: { spec: ConnectorSpec; account: Account },
): ConnectorFile {
  const { limits, timeout, circuit, ingest } = effectiveConnector(spec);
  return {
    v: 1,
    generation,
    namespace,
    name,
    type: spec.type,
    account: { ...account.fields },
    // A Connector that is no destination makes no calls: its limit is then never asked for.
    limits: { concurrency: limits.concurrency ?? 1, lostCallHoldMs: durationMs(limits.lostCallHold) },
    timeoutMs: durationMs(timeout),
    circuit: { failures: circuit.failures, openForMs: durationMs(circuit.openFor), maxOpenForMs: durationMs(circuit.maxOpenFor) },
    maxBodyBytes: quantityBytes(ingest?.maxBodyBytes ?? connectorDefaults.ingest.maxBodyBytes),
  };
}

export function renderConnectorConfigMap(
  connector: ConnectorResource,
  { file, install }: { file: ConnectorFile; install: string },
): RenderedObject {
  return {
    apiVersion: apiVersionOf(resourceTypes.configMap),
    kind: resourceTypes.configMap.kind,
    metadata: {
      name: connectorConfigMap(connector.name),
      namespace: connector.namespace,
      labels: ownLabels(install, { [label.connector]: connector.name }),
      ownerReferences: [ownedBy(connector)],
    },
    data: { [configMapKeys.connector]: `${JSON.stringify(file, null, 1)}\n` },
  };
}

/** Everything of a Connector goes with it. */
export function ownedBy({ name, uid }: ConnectorResource): OwnerReference {
  const { connector } = resourceTypes;
  return { apiVersion: apiVersionOf(connector), kind: connector.kind, name, uid, controller: true };
}

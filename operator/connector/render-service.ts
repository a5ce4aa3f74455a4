/** The address at which a Connector's webhooks are received. Pure. */
import { podPorts, serviceName } from '../../runtime/contract/names.ts';
import { label, ownLabels } from '../data-plane/labels.ts';
import { apiVersionOf, resourceTypes } from '../kubernetes/objects.ts';
import type { RenderedObject } from '../kubernetes/objects.ts';
import { ownedBy } from './render-config.ts';
import { selectorLabels } from './render-deployment.ts';
import type { ConnectorResource } from './resource.ts';

export function renderService(connector: ConnectorResource, install: string): RenderedObject {
  return {
    apiVersion: apiVersionOf(resourceTypes.service),
    kind: resourceTypes.service.kind,
    metadata: {
      name: serviceName(connector.name),
      namespace: connector.namespace,
      labels: ownLabels(install, { [label.component]: 'ingest', [label.connector]: connector.name }),
      ownerReferences: [ownedBy(connector)],
    },
    spec: {
      type: 'ClusterIP',
      selector: selectorLabels(connector.name, 'ingest'),
      ports: [{ name: 'webhook', port: podPorts.webhook, targetPort: podPorts.webhook, protocol: 'TCP' }],
    },
  };
}

/** Where webhooks are received, within the cluster. */
export function webhookEndpoint({ namespace, name }: ConnectorResource): string {
  return `http://${serviceName(name)}.${namespace}.svc:${podPorts.webhook}/`;
}

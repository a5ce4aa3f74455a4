/** A CustomResourceDefinition of one of our kinds. Pure. */
import type { Kind, PrinterColumn } from './kinds.ts';
import { apiGroup, apiVersionName } from './schema/kubernetes-object.ts';
import { toStructuralSchema } from './to-structural-schema.ts';

/** Name of the CustomResourceDefinition. */
export function crdName(kind: Kind): string {
  return `${kind.plural}.${apiGroup}`;
}

export function renderCrd(kind: Kind): Record<string, unknown> {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: crdName(kind) },
    spec: {
      group: apiGroup,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.singular,
        shortNames: [kind.shortName],
        categories: ['peppasync'],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: apiVersionName,
          served: true,
          storage: true,
          additionalPrinterColumns: kind.columns.map(renderColumn),
          subresources: { status: {} },
          schema: { openAPIV3Schema: rootSchema(kind) },
        },
      ],
    },
  };
}

function renderColumn({ wide, ...column }: PrinterColumn): Record<string, unknown> {
  return { ...column, ...(wide === true ? { priority: 1 } : {}) };
}

function rootSchema(kind: Kind): Record<string, unknown> {
  return {
    description: kind.description,
    type: 'object',
    required: ['spec'],
    properties: {
      apiVersion: { description: `${apiGroup}/${apiVersionName}.`, type: 'string' },
      kind: { description: `${kind.kind}.`, type: 'string' },
      // The name is named so that its rule may point at it.
      metadata: { type: 'object', properties: { name: { type: 'string' } } },
      spec: toStructuralSchema(kind.spec, { path: 'spec', bounded: true }),
      status: toStructuralSchema(kind.status, { path: 'status', bounded: false }),
    },
    'x-kubernetes-validations': [
      {
        rule: "size(self.metadata.name) <= 52 && !self.metadata.name.contains('.')",
        message: 'metadata.name must have at most 52 characters and no dot: streams, Deployments and Services are named after it',
        fieldPath: '.metadata.name',
      },
    ],
  };
}

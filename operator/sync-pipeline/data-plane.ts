/** Whether the pods run a configuration. Pure. */
import type { PipelineFile } from '../../runtime/contract/config.ts';
import type { Role } from '../../runtime/contract/names.ts';
import { connectorsOf, pipelineChecksum } from '../data-plane/config-maps.ts';
import { checksumOf } from '../data-plane/labels.ts';
import type { Observed } from './plan.ts';

/** The pods of every Connector that the configuration names have come up with it. */
export function isInPlace(observed: Observed, file: PipelineFile): boolean {
  if (missingDeployments(observed, file).length > 0) return false;
  // What has come up once stays in place while a neighbour's change rolls the same pods.
  const cameUpBefore = observed.config?.isOurs === true && observed.pipeline.status.runningGeneration === file.running.generation;
  return cameUpBefore || rollingOut(observed, file).length === 0;
}

interface Purpose {
  readonly connector: string;
  readonly role: Role;
}

/** Deployments that are not there, or not told of the configuration yet. */
export function missingDeployments({ deployments, pipeline }: Observed, file: PipelineFile): Purpose[] {
  return connectorsOf(file.running).filter(({ connector, role }) => {
    const deployment = deployments.find((other) => other.connector === connector && other.role === role);
    return deployment?.checksums[checksumOf.pipeline(pipeline.name)] !== pipelineChecksum(file, role);
  });
}

/** Deployments whose newest pods have not come up yet. */
export function rollingOut({ deployments }: Observed, file: PipelineFile): Purpose[] {
  return connectorsOf(file.running).filter(({ connector, role }) =>
    deployments.some((other) => other.connector === connector && other.role === role && !other.rolledOut),
  );
}

/** For people: "netsuite (deliver), shopify (ingest)". */
export function describePurposes(purposes: readonly Purpose[]): string {
  return purposes.map(({ connector, role }) => `${connector} (${role})`).join(', ');
}

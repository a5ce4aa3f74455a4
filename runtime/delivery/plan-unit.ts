/**
 * What a record becomes at a destination. Pure.
 * X1: an expression that fails is never false: the unit goes to the bin as ExpressionError with field and position.
 * Order: source filter → cancel (both in `inspect`, when the record is read) → destination filter → operation →
 * validations (not of a cancel) → render (all in `planUnit`, at the record's turn).
 */
import type { FilterReason } from '../contract/journal.ts';
import type { Call, Idempotency } from '../connectors/connector.ts';
import { evaluateBoolean, ExpressionError } from '../expressions/compile.ts';
import type { CompiledExpression, Variables } from '../expressions/compile.ts';
import { hash128 } from '../expressions/environment.ts';
import { FieldExpressionError } from '../expressions/template.ts';
import type { RecordKind } from '../contract/config.ts';
import type { CompiledOperation, Mapping } from './mapping.ts';
import type { CapturedRecord } from './record.ts';

/** Why a unit is in the error bin. `reason` is a CamelCase constant; `message` is for the person who mends it. */
export interface Failure {
  readonly reason: string;
  readonly field?: string;
  readonly message?: string;
}

export type Inspection =
  | { readonly kind: 'Record' | 'Cancel' }
  | { readonly kind: 'filtered'; readonly reason: FilterReason }
  | { readonly kind: 'failed'; readonly failure: Failure };

export type UnitPlan =
  | { readonly kind: 'filtered'; readonly reason: FilterReason }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'call'; readonly call: Call; readonly idempotency: Idempotency; readonly hash: string };

/** What can be said of a record when it is read, before its turn. */
export function inspect(mapping: Mapping, record: CapturedRecord): Inspection {
  return withVariables(mapping, record, (variables) => inspectVariables(mapping, variables));
}

function inspectVariables(mapping: Mapping, variables: Variables): Exclude<Inspection, { kind: 'failed' }> {
  if (mapping.sourceFilter !== undefined && !holds('source.filter', mapping.sourceFilter, variables)) {
    return { kind: 'filtered', reason: 'SourceFilter' };
  }
  const isCancel = mapping.cancel !== undefined && holds('source.cancel', mapping.cancel, variables);
  return { kind: isCancel ? 'Cancel' : 'Record' };
}

/** What is to be done with a record at its turn. */
export function planUnit(mapping: Mapping, record: CapturedRecord, kind: RecordKind): UnitPlan {
  return withVariables(mapping, record, (variables) => {
    // What failed when the record was read fails here again, and bins it.
    inspectVariables(mapping, variables);
    if (mapping.filter !== undefined && !holds('filter', mapping.filter, variables)) {
      return { kind: 'filtered', reason: 'DestinationFilter' };
    }
    const operation = mapping.operations.find((each) => takes(each, kind, variables));
    if (operation === undefined) return { kind: 'filtered', reason: 'NoOperation' };
    const failure = kind === 'Cancel' ? undefined : firstFailure(mapping, variables);
    return failure === undefined ? renderCall(operation, variables) : { kind: 'failed', failure };
  });
}

type WithFailure = Extract<UnitPlan, { kind: 'failed' }>;

function withVariables<T>(mapping: Mapping, record: CapturedRecord, decide: (variables: Variables) => T): T | WithFailure {
  if (record.problem !== undefined) return { kind: 'failed', failure: definedFailure(record.problem) };
  const parsed = mapping.parse(record.body);
  if (!parsed.ok) return { kind: 'failed', failure: { reason: 'Unreadable', message: parsed.message } };
  try {
    return decide({ record: parsed.value, meta: metaOf(mapping, record) });
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const field = error instanceof FieldExpressionError ? { field: error.field } : {};
    return { kind: 'failed', failure: { reason: 'ExpressionError', ...field, message: error.message } };
  }
}

function definedFailure({ reason, field, message }: { reason: string; field?: string | undefined; message: string }): Failure {
  return { reason, message, ...(field === undefined ? {} : { field }) };
}

export interface Meta {
  readonly topic: string;
  readonly sourceID: string;
  readonly capturedAt: string;
  readonly version: string;
  readonly pipeline: string;
  readonly destination: string;
  readonly unitKey: string;
  readonly callKey: string;
}

function metaOf(mapping: Mapping, record: CapturedRecord): Meta {
  const unitKey = unitKeyOf(mapping, record);
  return {
    topic: record.topic,
    sourceID: record.sourceID,
    capturedAt: record.capturedAt,
    version: record.version ?? '',
    pipeline: mapping.pipeline.name,
    destination: mapping.destination,
    unitKey,
    callKey: hash128(`${unitKey}\n${record.sourceID}\n0`),
  };
}

/** Stable over events: namespace, pipeline, destination and key (D4). */
export function unitKeyOf(mapping: Pick<Mapping, 'pipeline' | 'destination'>, record: { key: string }): string {
  const { namespace, name } = mapping.pipeline;
  return hash128(`${namespace}\n${name}\n${mapping.destination}\n${record.key}\n_`);
}

function holds(field: string, expression: CompiledExpression, variables: Variables): boolean {
  try {
    return evaluateBoolean(expression, variables);
  } catch (error) {
    if (error instanceof ExpressionError) throw new FieldExpressionError(field, error);
    throw error;
  }
}

function takes(operation: CompiledOperation, kind: RecordKind, variables: Variables): boolean {
  if (!operation.takes.includes(kind)) return false;
  return operation.when === undefined || holds(`operations.${operation.name}.when`, operation.when, variables);
}

function firstFailure(mapping: Mapping, variables: Variables): Failure | undefined {
  const broken = mapping.validations.find(({ name, rule }) => !holds(`validations.${name}.rule`, rule, variables));
  if (broken === undefined) return undefined;
  const { reason, field, message } = broken;
  return definedFailure({ reason, field, message });
}

function renderCall(operation: CompiledOperation, variables: Variables): UnitPlan {
  const meta = readMeta(variables);
  const target = operation.target.render(variables);
  const body = operation.body?.render(variables);
  const call: Call = {
    operation: JSON.parse(target),
    ...(body === undefined ? {} : { body }),
    unitKey: meta.unitKey,
    callKey: meta.callKey,
  };
  return {
    kind: 'call',
    call,
    idempotency: operation.idempotency,
    hash: contentHash(operation, variables) ?? hash128(`${target}\n${body ?? ''}`),
  };
}

function readMeta(variables: Variables): { unitKey: string; callKey: string } {
  const { meta } = variables as { meta: Meta }; // oxlint-disable-line typescript/no-unsafe-type-assertion -- put there by withVariables above
  return meta;
}

/**
 * Hash of what the call says, whoever caused it: what differs between two events of the same content is rendered as
 * empty text. Undefined where a mapping cannot be rendered like that; it is then never Unchanged.
 */
function contentHash(operation: CompiledOperation, variables: Variables): string | undefined {
  const meta = { ...readMeta(variables), version: '', callKey: '', sourceID: '', capturedAt: '' };
  const neutral = { ...variables, meta };
  try {
    return hash128(`${operation.name}\n${operation.target.render(neutral)}\n${operation.body?.render(neutral) ?? ''}`);
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

/** CEL rules that several fields share. All are written for the parent of the field they guard, so that they run when an optional field comes or goes. */
import { quantityBytes } from '../../runtime/contract/schema-fields.ts';
import type { CelRule } from '../../runtime/contract/schema-fields.ts';

/** Exactly one of the optional members is set. */
export function exactlyOneOf(members: readonly string[], what: string): CelRule {
  const set = members.map((member) => `(has(self.${member}) ? 1 : 0)`).join(' + ');
  const choice = members.length === 1 ? `the member ${members[0]}` : `exactly one of the members ${members.join(', ')}`;
  return { rule: `${set} == 1`, message: `${what} must have ${choice}` };
}

/** `field` is set exactly when `self.type` is `type`. */
export function setExactlyWhenTypeIs(type: string, field: string, parent: string): CelRule {
  return {
    rule: `has(self.${field}) == (self.type == '${type}')`,
    message: `${parent}.${field} must be set exactly when ${parent}.type is ${type}`,
    fieldPath: `.${field}`,
  };
}

/** A required field never changes. `wayOut` says why, and what to do instead. */
export function immutable(field: string, wayOut: string): CelRule {
  return { rule: `self.${field} == oldSelf.${field}`, message: `${field} cannot change: ${wayOut}`, fieldPath: `.${field}` };
}

/** An optional field never changes, appears or disappears. */
export function immutableOptional(field: string, wayOut: string): CelRule {
  return {
    rule: `has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field})`,
    message: `${field} cannot change: ${wayOut}`,
    fieldPath: `.${field}`,
  };
}

/** CEL for an optional field or its default: `path` is dotted, each part may be absent, `literal` is CEL. */
export function orDefault(root: string, path: string, literal: string): string {
  const parts = path.split('.');
  const present = parts.map((_, index) => `has(${[root, ...parts.slice(0, index + 1)].join('.')})`).join(' && ');
  return `(${present} ? ${root}.${path} : ${literal})`;
}

/** An optional quantity lies on one side of a limit. What is no quantity at all is left to the field's pattern. */
export function quantityWithin(field: string, comparison: '<=' | '>=', limit: string): CelRule {
  const self = `self.${field}`;
  const text = `(!isQuantity(${self}) || quantity(${self}).compareTo(quantity('${limit}')) ${comparison} 0)`;
  return {
    rule: `!has(${self}) || (type(${self}) == int ? ${self} ${comparison} ${quantityBytes(limit)} : ${text})`,
    message: `${field} must be at ${comparison === '<=' ? 'most' : 'least'} ${limit}`,
    fieldPath: `.${field}`,
  };
}

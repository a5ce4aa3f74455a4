/** How a reconcile that did not throw ends. */
export type Outcome =
  /** Nothing to do until something changes. */
  | { readonly kind: 'done' }
  /** Goes again after a time, for a reason that the plan knows. */
  | { readonly kind: 'again'; readonly afterMs: number }
  /** Cannot go on until somebody changes something. */
  | { readonly kind: 'stalled'; readonly reason: string };

/**
 * Eight retries over four hours. Shopify does not publish the instants; these are the ones a public simulator assumes.
 */

const retryOffsetsMinutes = [0, 5, 15, 35, 75, 135, 195, 240] as const;

/** Milliseconds from the start of the first attempt to each retry. A retry that is due before the attempt ahead of it has ended starts at its end. */
export const retryOffsetsMs = (timeScale: number): number[] => retryOffsetsMinutes.map((minutes) => (minutes * 60_000) / timeScale);

/**
 * A process warning (a deprecation, a leak of listeners) is a bug of ours or our bug next year.
 * Thrown from the event, it becomes an unhandled error, and vitest fails the run.
 */
process.on('warning', (warning) => {
  throw warning;
});

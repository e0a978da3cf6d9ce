// How much longer than usual everything may take: TEST_PATIENCE is set where processors are
// emulated.

/** A factor of all limits of time. */
export const patience = Number(process.env["TEST_PATIENCE"] ?? 1);

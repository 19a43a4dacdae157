/** The drift proof of the cart, and of aggregates that a mapping file declares. */
import { cartMapping } from './cart-mapping.ts';
import type { DriftOf } from './comparison.ts';
import { DriftFinder } from './drift.ts';
import { readMappings } from './mapping-file.ts';

/** Without a file, the cart's alone. Throws as `readMappings`. */
export async function declaredDrifts(file: string | undefined): Promise<DriftOf[]> {
  const declared = file === undefined ? [] : await readMappings(file);
  return [
    (options) => new DriftFinder(cartMapping, options),
    ...declared.map(
      (mapping): DriftOf =>
        (options) =>
          new DriftFinder(mapping, options),
    ),
  ];
}

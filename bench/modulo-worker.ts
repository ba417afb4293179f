/** The work of `cascades/modulo.yaml`, for a Piscina pool without the engine. */
export function modulo({ id }: { readonly id: number }): number {
  let sum = 0;
  for (let i = 0; i < 400_000; i += 1) sum = (sum * 31 + i + (Number(id) % 7)) % 1_000_003;
  return sum;
}

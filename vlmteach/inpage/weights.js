// Weights as they travel: float16, all low bytes and then all high bytes (alike bytes side by side pack better),
// deflated, base64.

import { fromBase64, inflated } from "../views/bytes.js";

/** float16 numbers, given as their two bytes, as float32. */
function fromHalf(low, high) {
  const values = new Float32Array(low.length);
  for (let i = 0; i < values.length; i++) {
    const exponent = (high[i] >> 2) & 31;
    const fraction = ((high[i] & 3) << 8) | low[i];
    const size = exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
    values[i] = high[i] & 128 ? -size : size;
  }
  return values;
}

/** {names, shapes, bytes} -> the tensors by name. */
export async function unpackTensors({ names, shapes, bytes }) {
  const packed = await inflated(fromBase64(bytes));
  const half = packed.length / 2;
  const values = fromHalf(packed.subarray(0, half), packed.subarray(half));
  let next = 0;
  const tensors = names.map((name, i) => {
    const size = shapes[i].reduce((product, length) => product * length, 1);
    next += size;
    return [name, { shape: shapes[i], values: values.subarray(next - size, next) }];
  });
  return new Map(tensors);
}

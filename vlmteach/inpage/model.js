// The whole model in one file: what a picture and a question go through, one small function for each kind of module.
// Names, formulas and order are those of vlmteach/nn, and a test holds every output of every module to torch's.
// One picture at a time: tokens are (N, D), grids (C, H, W). It depends on nothing.

// numbers with a shape, row by row, as torch stores them

const count = (shape) => shape.reduce((size, length) => size * length, 1);
const tensor = (shape, values = new Float32Array(count(shape))) => ({ shape, values });
const mapped = ({ shape, values }, change) => tensor(shape, values.map(change));
const add = (a, b) => ({ ...a, values: a.values.map((value, i) => value + b.values[i]) });

/** Other numbers at the places of these visual tokens: `grid` says how many rows and columns of cells they form. */
const withTokens = (visual, tokens) => ({ ...tokens, grid: visual.grid });

/** Rows from..to of a matrix. */
const rows = ({ shape: [, width], values }, from, to) =>
  tensor([to - from, width], values.slice(from * width, to * width));

/** Columns from..to of a matrix. */
function columns({ shape: [length, width], values }, from, to) {
  const cut = tensor([length, to - from]);
  for (let row = 0; row < length; row++) {
    cut.values.set(values.subarray(row * width + from, row * width + to), row * (to - from));
  }
  return cut;
}

/** One matrix above the other. */
function stacked(above, below) {
  const both = tensor([above.shape[0] + below.shape[0], above.shape[1]]);
  both.values.set(above.values);
  both.values.set(below.values, above.values.length);
  return both;
}

function transposed({ shape: [length, width], values }) {
  const turned = tensor([width, length]);
  for (let row = 0; row < length; row++) {
    for (let column = 0; column < width; column++) turned.values[column * length + row] = values[row * width + column];
  }
  return turned;
}

/** x Wᵀ + b: x (N, K), weight (M, …) with K numbers in each row, bias (M,) or none -> (N, M). */
function product({ shape: [length, depth], values: x }, { shape: [outputs], values: w }, bias = tensor([outputs])) {
  const result = tensor([length, outputs]);
  const [sums, added] = [result.values, bias.values];
  // Two rows by four outputs at once: each number that is read serves several. Past an edge the last is made again.
  for (let row = 0; row < length; row += 2) {
    const below = Math.min(row + 1, length - 1);
    for (let m0 = 0; m0 < outputs; m0 += 4) {
      const m1 = Math.min(m0 + 1, outputs - 1);
      const m2 = Math.min(m0 + 2, outputs - 1);
      const m3 = Math.min(m0 + 3, outputs - 1);
      let a0 = 0, a1 = 0, a2 = 0, a3 = 0;
      let b0 = 0, b1 = 0, b2 = 0, b3 = 0;
      for (let k = 0; k < depth; k++) {
        const a = x[row * depth + k];
        const b = x[below * depth + k];
        const w0 = w[m0 * depth + k];
        const w1 = w[m1 * depth + k];
        const w2 = w[m2 * depth + k];
        const w3 = w[m3 * depth + k];
        a0 += a * w0; a1 += a * w1; a2 += a * w2; a3 += a * w3;
        b0 += b * w0; b1 += b * w1; b2 += b * w2; b3 += b * w3;
      }
      const [upper, lower] = [row * outputs, below * outputs];
      sums[upper + m0] = a0 + added[m0];
      sums[upper + m1] = a1 + added[m1];
      sums[upper + m2] = a2 + added[m2];
      sums[upper + m3] = a3 + added[m3];
      sums[lower + m0] = b0 + added[m0];
      sums[lower + m1] = b1 + added[m1];
      sums[lower + m2] = b2 + added[m2];
      sums[lower + m3] = b3 + added[m3];
    }
  }
  return result;
}

/** Grid (C, H, W) -> tokens (H * W, C), row by row. */
function gridToTokens({ shape: [channels, height, width], values }) {
  return { ...transposed(tensor([channels, height * width], values)), grid: [height, width] };
}

/** What a kernel sees at each place where it stops: grid (C, H, W) -> (places, C * k * k). */
function unfolded({ shape: [channels, height, width], values }, { kernel, stride, padding, dilation, padding_mode }) {
  const stops = (length) => Math.floor((length + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
  const [down, across] = [stops(height), stops(width)];
  const patches = { ...tensor([down * across, channels * kernel * kernel]), grid: [down, across] };
  const wrap = (at, length) => (padding_mode === "circular" ? (at + length) % length : at); // at the borders
  for (let top = 0, next = 0; top < down; top++) {
    for (let left = 0; left < across; left++) {
      for (let channel = 0; channel < channels; channel++) {
        for (let y = 0; y < kernel; y++) {
          const row = wrap(top * stride - padding + y * dilation, height);
          for (let x = 0; x < kernel; x++, next++) {
            const column = wrap(left * stride - padding + x * dilation, width);
            const inside = row >= 0 && row < height && column >= 0 && column < width; // else a zero stays
            if (inside) patches.values[next] = values[(channel * height + row) * width + column];
          }
        }
      }
    }
  }
  return patches;
}

/** The error function, within 1.5e-7 of it (Abramowitz and Stegun, 7.1.26). */
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const sum = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}

/** Each row of a matrix as shares that sum to 1, in place. */
function softmax(matrix) {
  const [length, width] = matrix.shape;
  for (let row = 0; row < length; row++) {
    const scores = matrix.values.subarray(row * width, (row + 1) * width);
    const largest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
    let sum = 0;
    for (let i = 0; i < width; i++) sum += scores[i] = Math.exp(scores[i] - largest);
    for (let i = 0; i < width; i++) scores[i] /= sum;
  }
  return matrix;
}

/** softmax(Q Kᵀ / √d) V in each head, a slice of the width; `see` is shown the weights, (heads, N, M). */
function attention(query, key, value, heads, see, mask = () => true) {
  const [length, width] = query.shape;
  const others = key.shape[0];
  const slice = width / heads;
  const output = tensor([length, width]);
  const weights = tensor([heads, length, others]);
  for (let head = 0; head < heads; head++) {
    const part = (x) => columns(x, head * slice, (head + 1) * slice);
    const scores = mapped(product(part(query), part(key)), (score, i) =>
      mask(Math.floor(i / others), i % others) ? score / Math.sqrt(slice) : -Infinity,
    );
    const mixed = product(softmax(scores), transposed(part(value)));
    weights.values.set(scores.values, head * length * others);
    for (let row = 0; row < length; row++) {
      output.values.set(mixed.values.subarray(row * slice, (row + 1) * slice), row * width + head * slice);
    }
  }
  see(weights);
  return output;
}

/** Sines and cosines of each cell's middle, on a grid of 16 × 16: (cells, D), [sin y, sin x, cos y, cos x]. */
function boxPositions([height, width], dim) {
  const places = tensor([height * width, dim]);
  const waves = dim / 4;
  for (let i = 0; i < places.values.length; i++) {
    const [cell, channel] = [Math.floor(i / dim), i % dim];
    const [part, wave] = [Math.floor(channel / waves), channel % waves];
    const y = (16 * (Math.floor(cell / width) + 0.5)) / height - 0.5;
    const x = (16 * ((cell % width) + 0.5)) / width - 0.5;
    const angle = (part % 2 === 0 ? y : x) / 10000 ** (wave / waves);
    places.values[i] = part < 2 ? Math.sin(angle) : Math.cos(angle);
  }
  return places;
}

/** Who may look at whom: all see the picture's tokens in front, and a word sees itself and the words before it. */
const packedMask = (inFront) => (looks, at) => at < inFront || (looks >= inFront && at <= looks);

/** Each word as a vector, and its place in the text. */
function embed(languageModel, words) {
  return add(languageModel.words(words), rows(languageModel.positions, 0, words.length));
}

// one function for each kind of module, as its forward in vlmteach/nn; self holds its parts and its numbers

export const MODULES = {
  Identity: (self, x) => x,
  ModuleList: (self) => self.parts,
  Sequential: (self, x) => self.parts.reduce((value, part) => part(value), x),

  Linear: (self, tokens) => product(tokens, self.weight, self.bias),
  ReLU: (self, x) => mapped(x, (value) => Math.max(value, 0)),
  GELU: (self, x) => mapped(x, (value) => 0.5 * value * (1 + erf(value / Math.SQRT2))),
  Embedding(self, words) {
    const width = self.weight.shape[1];
    const vectors = tensor([words.length, width]);
    words.forEach((word, i) => vectors.values.set(rows(self.weight, word, word + 1).values, i * width));
    return vectors;
  },
  LayerNorm(self, tokens) {
    const [length, width] = tokens.shape;
    const normed = tensor([length, width]);
    for (let row = 0; row < length; row++) {
      const token = tokens.values.subarray(row * width, (row + 1) * width);
      const mean = token.reduce((sum, value) => sum + value, 0) / width;
      const variance = token.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
      const scale = 1 / Math.sqrt(variance + self.eps);
      for (let i = 0; i < width; i++) {
        normed.values[row * width + i] = (token[i] - mean) * scale * self.weight.values[i] + self.bias.values[i];
      }
    }
    return normed;
  },
  BatchNorm2d(self, grid) {
    const cells = grid.shape[1] * grid.shape[2];
    const of = ({ values }, i) => values[Math.floor(i / cells)];
    return mapped(grid, (value, i) => {
      const scale = of(self.weight, i) / Math.sqrt(of(self.running_var, i) + self.eps);
      return (value - of(self.running_mean, i)) * scale + of(self.bias, i);
    });
  },
  Conv2d(self, grid) {
    const patches = unfolded(grid, self);
    const output = transposed(product(patches, self.weight, self.bias));
    return tensor([output.shape[0], ...patches.grid], output.values);
  },

  Standardise(self, image) {
    const [mean, std] = [Math.fround(self.mean), Math.fround(self.std)];
    return mapped(image, (value) => Math.fround(value - mean) / std);
  },
  ConvBlock: (self, grid) => add(grid, self.act(self.norm(self.conv(grid)))),
  ConvNet: (self, image) => gridToTokens(self.features(image)),
  PatchEmbed: (self, image) => gridToTokens(self.proj(image)),
  LearnedPositions: (self, tokens) => add(tokens, self.table),
  VisionTransformer(self, image) {
    const patches = self.patch_embed(image);
    const tokens = self.positions ? self.positions(patches) : patches;
    return withTokens(patches, self.norm(self.blocks(tokens)));
  },

  MultiHeadAttention(self, tokens, mask) {
    const width = tokens.shape[1];
    const qkv = self.qkv(tokens);
    const [query, key, value] = [0, 1, 2].map((part) => columns(qkv, part * width, (part + 1) * width));
    return self.proj(attention(query, key, value, self.num_heads, self.see, mask));
  },
  CrossAttention(self, tokens, memory) {
    return self.proj(attention(self.q(tokens), self.k(memory), self.v(memory), self.num_heads, self.see));
  },
  Mlp: (self, tokens) => self.fc2(self.act(self.fc1(tokens))),
  TransformerBlock(self, tokens, mask) {
    const exchanged = add(tokens, self.ls1(self.attn(self.norm1(tokens), mask)));
    return add(exchanged, self.ls2(self.mlp(self.norm2(exchanged))));
  },

  NormTokens: (self, visual) => withTokens(visual, self.norm(visual)),
  Projector: (self, visual) => withTokens(visual, self.map(visual)),
  AddPositions: (self, visual) => add(visual, boxPositions(visual.grid, visual.shape[1])),
  MeanPool(self, visual) {
    const cells = visual.shape[0];
    const shares = tensor([1, cells], new Float32Array(cells).fill(1));
    return mapped(product(shares, transposed(visual)), (sum) => sum / cells);
  },
  Prefix: (self, visual, text) => stacked(visual, text),
  CrossAttentionConnector: (self, visual, text) => add(text, self.attend(self.norm(text), visual)),
  Connect: (self, visual, text) => self.meeting(self.translator(visual), text),

  LanguageModel(self, tokens, mask) {
    const read = self.blocks.parts.reduce((value, block) => block(value, mask), tokens);
    return self.head(self.norm(read));
  },
  VisionLanguageModel(self, image, words) {
    const text = embed(self.language_model, words);
    const read = self.connector(self.encoder(image), text);
    const inFront = read.shape[0] - text.shape[0];
    const scores = self.language_model(read, packedMask(inFront));
    return rows(scores, inFront, scores.shape[0]);
  },
};

/** A module out of its description {type, settings, tensors, parts} and the tensors by name: a function to call. */
export function build(described, tensors, name = "", trace = {}) {
  const forward = MODULES[described.type];
  if (!forward) throw new Error(`this page has no module ${described.type}; it has ${Object.keys(MODULES).join(", ")}.`);
  const inside = (part) => (name ? `${name}.${part}` : part);
  const self = (...inputs) => {
    const output = forward(self, ...inputs);
    trace.outputs.set(name, output);
    return output;
  };
  self.see = (weights) => trace.attention.set(name, weights);
  Object.assign(self, described.settings);
  for (const part of described.tensors) self[part] = tensors.get(inside(part));
  const parts = Object.entries(described.parts);
  for (const [part, description] of parts) self[part] = build(description, tensors, inside(part), trace);
  self.parts = parts.map(([part]) => self[part]);
  self.trace = trace;
  return self;
}

/**
 * Ask once: image (3, H, W) in [0, 1], words as numbers. Returns the scores of each next word (T, V), the likelihood of
 * each word as the answer (V,), every module's output and every attention's weights (heads, N, M) under torch's names.
 */
export function run(model, image, words) {
  const [outputs, weights] = [new Map(), new Map()];
  Object.assign(model.trace, { outputs, attention: weights });
  const scores = model(image, words);
  const last = rows(scores, words.length - 1, words.length);
  return { scores, probabilities: softmax(last).values, outputs, attention: weights };
}

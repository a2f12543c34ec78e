/* Prepared values in standard deviations from the mean; of a random part of the observations where there are many. */

const sample = data.values && { ...data.values, ...unpackAll(data.values.columns) };
const rowOfGene = sample ? new Map([...sample.gene].map((gene, row) => [gene, row])) : new Map();

function valuesOf(index) {
  const row = rowOfGene.get(index);
  if (row === undefined) return null;
  const low = sample.low[row],
    step = (sample.high[row] - low) / 254;
  return Float64Array.from(sample.codes.subarray(row * sample.shown, (row + 1) * sample.shown), (code) =>
    code === 255 ? NaN : low + code * step,
  );
}

function correlation(x, y) {
  let [n, sx, sy, sxx, syy, sxy] = [0, 0, 0, 0, 0, 0];
  for (let k = 0; k < x.length; k++) {
    if (!isKnown(x[k]) || !isKnown(y[k])) continue;
    n += 1;
    sx += x[k];
    sy += y[k];
    sxx += x[k] ** 2;
    syy += y[k] ** 2;
    sxy += x[k] * y[k];
  }
  const spread = Math.sqrt((sxx - (sx * sx) / n) * (syy - (sy * sy) / n));
  return {
    value: spread > 0 ? (sxy - (sx * sy) / n) / spread : NaN,
    slope: (sxy - (sx * sy) / n) / (sxx - (sx * sx) / n),
  };
}

const correlationOf = (a, b) => {
  const [x, y] = [valuesOf(a), valuesOf(b)];
  return x && y ? correlation(x, y).value : NaN;
};

/* The target less what its other causes give it along their weights: the points of a component-plus-residual plot. */

function withoutOthers(source, target) {
  const y = valuesOf(target);
  for (const edge of edgesInto[target]) {
    if (edges.source[edge] === source) continue;
    const x = valuesOf(edges.source[edge]);
    if (!x) return null;
    for (let k = 0; k < y.length; k++) y[k] -= edges.weight[edge] * x[k];
  }
  return y;
}

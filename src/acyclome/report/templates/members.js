/* The networks of the resamples, where the page can carry them, edge by edge. */

const members = (() => {
  if (!data.members) return null;
  const { member, source, target, weight } = unpackAll(data.members);
  const starts = [];
  for (let k = 0; k < member.length; k++) if (k === 0 || member[k] !== member[k - 1]) starts.push(k);
  starts.push(member.length);
  return {
    number: starts.length - 1,
    /* A resample without edges stands there with a line from a gene to itself. */
    edgesOf: (number) => {
      const kept = [];
      for (let k = starts[number]; k < starts[number + 1]; k++) if (source[k] !== target[k]) kept.push(k);
      return {
        source: kept.map((k) => source[k]),
        target: kept.map((k) => target[k]),
        weight: kept.map((k) => weight[k]),
      };
    },
    weightsOf: (from, to) => {
      const found = [];
      for (let k = 0; k < member.length; k++) if (source[k] === from && target[k] === to) found.push(weight[k]);
      return found;
    },
  };
})();

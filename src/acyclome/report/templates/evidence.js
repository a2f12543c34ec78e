/* One edge and what speaks for and against it: the two genes in the observations, resamples, the reversed edge, other
   causes of the effect, knowledge and interventions. Any two genes can be asked about, joined or not. */

const nextRanked = unpackAll(data.next);

function drawPair(source, target, isPartial) {
  const edge = edgeBetween(source, target),
    x = valuesOf(source);
  const [nameX, nameY] = [
    `${labels[source]} (sd from the mean)`,
    isPartial ? `${labels[target]} less other causes` : `${labels[target]} (sd from the mean)`,
  ];
  const y = isPartial ? withoutOthers(source, target) : valuesOf(target);
  const slope = isPartial && edge !== undefined ? edges.weight[edge] : correlation(x, y).slope;
  return hexPlot(x, y, {
    title: `${labels[target]} against ${labels[source]}${isPartial ? ", other causes taken out" : ""}`,
    nameX,
    nameY,
    slope,
  });
}

function pairFigure(source, target) {
  if (!valuesOf(source) || !valuesOf(target))
    return [
      node(
        "p",
        { class: "small" },
        data.values
          ? `The page carries the values of ${plural(rowOfGene.size, "gene")}, those of the best edges; one of these two is not among them.`
          : data.no_values,
      ),
    ];
  const partial = withoutOthers(source, target),
    hasOthers = edgesInto[target].some((edge) => edges.source[edge] !== source);
  const figure = node("figure", {});
  const choice = node(
    "select",
    {},
    node("option", { value: "" }, "as prepared"),
    ...(partial && hasOthers ? [node("option", { value: "1" }, "other causes taken out")] : []),
  );
  choice.value = edgeBetween(source, target) !== undefined && partial && hasOthers ? "1" : "";
  const draw = () =>
    figure.replaceChildren(
      drawPair(source, target, Boolean(choice.value)),
      figureBar(
        () => figure.querySelector("svg"),
        () => `${labels[source]} ${labels[target]}`,
      ),
    );
  choice.addEventListener("input", draw);
  draw();
  const which =
    sample.shown < sample.of
      ? `${count(sample.shown)} of ${count(sample.of)} observations, drawn at random`
      : `All ${count(sample.of)} observations`;
  return [
    node("p", { class: "controls" }, node("label", {}, `${labels[target]}, `, choice)),
    figure,
    node(
      "p",
      { class: "small" },
      `${which}; the stronger its colour, the more of them a hexagon holds. The line has the slope of the ${choice.value ? "weight" : "observations shown"}.`,
    ),
  ];
}

/* What is known, as terms and sentences. */

function resampleFact(edge) {
  if (!data.resamples) return ["Not measured: 0 resamples."];
  const found = Math.round(edges.stability[edge] * data.resamples);
  const same = Math.round((edges.direction[edge] || 0) * found);
  const parts = [
    ["for", same, "this way"],
    ["against", found - same, "reversed"],
    ["none", data.resamples - found, "not joined"],
  ];
  const bar = node(
    "span",
    { class: "votes", "aria-hidden": "true" },
    ...parts
      .filter(([, number]) => number)
      .map(([kind, number]) => node("span", { class: kind, style: `flex:${number}` })),
  );
  return [
    bar,
    `Of ${data.resamples} resamples ${parts.map(([, number, what]) => `${number} ${what}`).join(", ")}.${weightRange(edge)}`,
  ];
}

function weightRange(edge) {
  const found = members ? members.weightsOf(edges.source[edge], edges.target[edge]) : [];
  return found.length > 1
    ? ` Weights in them from ${decimal(Math.min(...found))} to ${decimal(Math.max(...found))}.`
    : "";
}

function reversalFact(edge) {
  const loss = edges.reversal_loss[edge],
    target = edges.target[edge];
  if (!nodes.regulator[target])
    return [`Not asked: ${labels[target]} is not on the list of regulators, so it could not be a cause.`];
  const cost = isKnown(loss) ? `Reversing it costs ${decimal(loss, 1)} nats of log-likelihood.` : "";
  return [
    `${edges.reversible[edge] ? "Reversed, perhaps together with others, it fits as well: read it as joined." : "Not reversible within the networks that fit as well."} ${cost}`,
  ];
}

/* What acting on the cause did to the effect beyond other genes, and how far that speaks for the arrow. */

function instrumentFact(edge) {
  const [effect, error, nats] = ["direct_effect", "direct_error", "instrument_evidence"].map((name) =>
    edges[name] ? edges[name][edge] : NaN,
  );
  const direct = isKnown(effect)
    ? ` Beyond what runs through other genes: ${decimal(effect)} ± ${decimal(error)}.`
    : "";
  if (!isKnown(nats)) return direct;
  return `${direct} That ${nats <= -data.refuted ? "refutes the arrow" : `speaks ${nats < 0 ? "against" : "for"} the arrow`}: ${decimal(Math.abs(nats), 1)} nats.`;
}

function interventionFact(edge) {
  const effect = edges.effect ? edges.effect[edge] : NaN;
  const measured = isKnown(effect)
    ? ` Acting on ${labels[edges.source[edge]]} moved ${labels[edges.target[edge]]} by ${decimal(effect)} ± ${decimal(edges.error[edge])} (direct or not).`
    : "";
  const found = measured + instrumentFact(edge);
  if (edges.oriented_by_intervention[edge]) return [`They decide the direction.${found}`];
  return [
    found.trim() ||
      (data.acted_on
        ? `Neither decides it; ${data.acted_on.includes(edges.source[edge]) ? "acting on the cause moved the effect too little to be told" : "the cause was not acted on"}.`
        : "None in these data."),
  ];
}

function factsOf(edge) {
  const confounded = edges.confounded ? edges.confounded[edge] : NaN,
    noise = edges.noise_evidence ? edges.noise_evidence[edge] : NaN;
  const prior = data.priors[edges.prior[edge]];
  return [
    [
      "Weight",
      [
        `One standard deviation more of ${labels[edges.source[edge]]}, other causes held: ${decimal(edges.weight[edge])} of ${labels[edges.target[edge]]}.`,
      ],
    ],
    [
      "Score",
      [
        `${decimal(edges.score[edge])}: the probability that it is there and points this way, as far as simulations can tell.`,
      ],
    ],
    ["Resamples", resampleFact(edge)],
    ["Reversed", reversalFact(edge)],
    ...(isKnown(noise) ? [["Shape of noise", [`${decimal(noise, 1)} nats for this direction.`]]] : []),
    ...(isKnown(confounded)
      ? [["Hidden cause", [`${share(confounded)}: the probability that what joins them is not measured.`]]]
      : []),
    ["Knowledge", [prior ? `Given: ${prior}.` : "None was given for this pair."]],
    ["Interventions", interventionFact(edge)],
  ];
}

/* Other causes of the effect, in the network or ranked next, which may stand behind what is seen. */

function competitors(source, target) {
  const parents = edgesInto[target].filter((edge) => edges.source[edge] !== source);
  const [from, to] = [nextRanked.start[target], nextRanked.start[target + 1]];
  const left = [];
  for (let k = from; k < to; k++) left.push({ gene: nextRanked.source[k], rank: nextRanked.rank[k] });
  const found = [
    ...parents.map((edge) => ({ gene: edges.source[edge], what: "cause", edge })),
    ...left
      .filter(({ gene }) => gene !== source)
      .map(({ gene, rank }) => ({ gene, what: `left out, ranked ${count(rank)}` })),
  ];
  const numbers = ({ gene, edge }) => [
    edge === undefined ? NaN : edges.weight[edge],
    edge === undefined ? NaN : edges.score[edge],
    correlationOf(gene, target),
    correlationOf(gene, source),
  ];
  const cells = (one) => {
    const [weight, ...rest] = numbers(one);
    return [
      geneCell(one.gene),
      node("td", {}, one.what),
      isKnown(weight) ? weightCell(weight) : numberCell(NaN),
      ...rest.map((value) => numberCell(value)),
    ];
  };
  if (!found.length)
    return [node("p", { class: "small" }, "No other cause is in the network or near it in the ranking.")];
  const heads = [
    "Gene",
    "In the network",
    "#Weight",
    "#Score",
    `#Correlation with ${labels[target]}`,
    `#With ${labels[source]}`,
  ];
  const name = () => `Other causes of ${labels[target]} beside ${labels[source]}`;
  const text = () => [
    heads.map((head) => head.replace("#", "")),
    ...found.map((one) => [genes[one.gene], one.what, ...numbers(one).map((value) => (isKnown(value) ? value : ""))]),
  ];
  return [
    ...longTable(
      heads,
      found.map((one) => () => cells(one)),
      name(),
    ),
    tableBar(text, name),
  ];
}

function verdict(source, target) {
  const edge = edgeBetween(source, target),
    back = edgeBetween(target, source);
  const [a, b] = [labels[source], labels[target]];
  if (edge !== undefined)
    return [
      node("strong", {}, `${a} ${edges.weight[edge] >= 0 ? "→" : "⊣"} ${b}`),
      `: weight ${decimal(edges.weight[edge])}, score ${decimal(edges.score[edge])}.`,
    ];
  if (back !== undefined) return [`The network has this edge the other way: `, edgeLink(back, `${b} → ${a}`), "."];
  return [`The network has no edge between ${a} and ${b}.`];
}

function showEvidence(source, target) {
  byId("evidence-source").value = labels[source];
  byId("evidence-target").value = labels[target];
  const edge = edgeBetween(source, target);
  byId("evidence-note").replaceChildren(...verdict(source, target));
  byId("evidence-figure").replaceChildren(...pairFigure(source, target));
  byId("evidence-facts").replaceChildren(
    ...(edge === undefined
      ? []
      : factsOf(edge).flatMap(([term, said]) => [node("dt", {}, term), node("dd", {}, ...said)])),
  );
  byId("evidence-others").replaceChildren(
    node("h3", {}, `Other causes of ${labels[target]}`),
    ...competitors(source, target),
  );
}

const startEvidence = () =>
  askForTwo("edge", [byId("evidence-source"), byId("evidence-target")], byId("evidence-note"));

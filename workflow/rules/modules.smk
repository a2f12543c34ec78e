def module_files(wildcards):
    """Return the gene sets that a row names modules by, and those that they follow, by column."""
    row = DATASETS[row_of(wildcards.dataset)]
    return {
        column: local(row[column])
        for column in ("gene_sets", "visible")
        if column in row
    }


def module_words(wildcards):
    """Return what a row asks of its modules as words of the command."""
    row = DATASETS[row_of(wildcards.dataset)]
    asked = module_files(wildcards) | {"modules": row.get("modules", "auto")}
    return [
        word
        for column, value in asked.items()
        for word in ("--" + column.replace("_", "-"), value)
    ]


rule find_modules:
    input:
        unpack(module_files),
        edges="results/{dataset}/edges.tsv.gz",
        run="results/{dataset}/run.json",
    output:
        "results/{dataset}/modules.tsv",
        "results/{dataset}/module_edges.tsv",
        "results/{dataset}/module_path.tsv",
    log:
        "logs/{dataset}/modules.log",
    benchmark:
        "logs/{dataset}/modules.benchmark.tsv"
    wildcard_constraints:
        dataset=networks(LEARNED),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(4000, 40),
        runtime=runtime_minutes(60),
    params:
        out=subpath(input.edges, parent=True),
        asked=module_words,
    message:
        "Learn the modules of {wildcards.dataset}."
    shell:
        "acyclome modules {params.out:q} {params.asked:q} --threads {threads} > {log:q} 2>&1"

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
        dataset=f"{networks(LEARNED)}|{GROUPS_OF_THEM}",
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

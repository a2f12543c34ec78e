rule get_demo_data:
    output:
        "resources/pbmc68k_reduced.h5ad",
    log:
        "logs/pbmc68k_reduced/demo-data.log",
    benchmark:
        "logs/pbmc68k_reduced/demo-data.benchmark.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    message:
        "Write the example data that scanpy carries (700 blood cells)."
    shell:
        "acyclome demo --data-only {output:q} > {log:q} 2>&1"


rule write_config:
    input:
        groups_table,
    output:
        "resources/config/{dataset}.yaml",
    log:
        "logs/{dataset}/config.log",
    benchmark:
        "logs/{dataset}/config.benchmark.tsv"
    wildcard_constraints:
        dataset=f"{networks(LEARNED)}|{TOGETHER}",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=100,
        runtime=5,
    params:
        text=dataset_config,
    message:
        "Write the options of {wildcards.dataset}: config and row of the table together."
    shell:
        "printf '%s\\n' {params.text:q} > {output:q} 2> {log:q}"


rule prepare_expression:
    input:
        expression=dataset_path,
        config="resources/config/{dataset}.yaml",
        knowledge=dataset_knowledge,
    output:
        store="results/{dataset}/stages/prepared.h5",
        config="results/{dataset}/stages/config.json",
        permuted="results/{dataset}/stages/permuted.h5",
    log:
        "logs/{dataset}/prepare.log",
    benchmark:
        "logs/{dataset}/prepare.benchmark.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(2000, 12),
        runtime=runtime_minutes(60),
    params:
        out=subpath(output.store, ancestor=2),
    message:
        "Read {input.expression}, filter, normalise, and store it gene by gene."
    shell:
        "acyclome prepare {input.expression:q} -o {params.out:q} --config {input.config:q}"
        " --threads {threads} > {log:q} 2>&1"

rule shard_candidates:
    input:
        "results/{dataset}/stages/prepared.h5",
        "results/{dataset}/stages/config.json",
        "results/{dataset}/stages/screen.npz",
    output:
        "results/{dataset}/stages/shard.npz",
    log:
        "logs/{dataset}/shard.log",
    benchmark:
        "logs/{dataset}/shard.benchmark.tsv"
    wildcard_constraints:
        dataset=networks(filter(is_sharded, LEARNED)),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(3000, 4),
        runtime=runtime_minutes(30),
    params:
        out=subpath(output[0], ancestor=2),
    message:
        "Cut the candidates of {wildcards.dataset} into shards."
    shell:
        "acyclome shard {params.out:q} --threads {threads} > {log:q} 2>&1"


rule fit_shards:
    input:
        "results/{dataset}/stages/prepared.h5",
        "results/{dataset}/stages/config.json",
        "results/{dataset}/stages/screen.npz",
        "results/{dataset}/stages/shard.npz",
    output:
        "results/{dataset}/stages/fit-{part}-of-{parts}.npz",
    log:
        "logs/{dataset}/fit-{part}-of-{parts}.log",
    benchmark:
        "logs/{dataset}/fit-{part}-of-{parts}.benchmark.tsv"
    wildcard_constraints:
        dataset=networks(filter(is_sharded, LEARNED)),
    conda:
        ENVIRONMENT
    threads: 8
    resources:
        mem_mb=planned_mb("fit"),
        runtime=planned_minutes("fit"),
    params:
        out=subpath(output[0], ancestor=2),
        dask=DASK,
        device=DEVICE,
    message:
        "Fit the shards of {wildcards.dataset}, part {wildcards.part} of {wildcards.parts}."
    shell:
        "acyclome fit {params.out:q} --part {wildcards.part} --parts {wildcards.parts} {params.dask}"
        " --threads {threads} {params.device} > {log:q} 2>&1"


rule merge_shards:
    input:
        "results/{dataset}/stages/prepared.h5",
        "results/{dataset}/stages/config.json",
        "results/{dataset}/stages/screen.npz",
        "results/{dataset}/stages/shard.npz",
        shard_parts,
    output:
        "results/{dataset}/stages/fit.npz",
    log:
        "logs/{dataset}/merge.log",
    benchmark:
        "logs/{dataset}/merge.benchmark.tsv"
    wildcard_constraints:
        dataset=networks(filter(is_sharded, LEARNED)),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(2000, 2),
        runtime=runtime_minutes(30),
    params:
        out=subpath(output[0], ancestor=2),
    message:
        "Put together what the shards of {wildcards.dataset} found."
    shell:
        "acyclome merge {params.out:q} --threads {threads} > {log:q} 2>&1"

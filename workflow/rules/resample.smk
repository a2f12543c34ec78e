rule resample_network:
    input:
        "results/{dataset}/stages/prepared.h5",
        "results/{dataset}/stages/config.json",
    output:
        "results/{dataset}/stages/resample-{part}-of-{parts}.npz",
    log:
        "logs/{dataset}/resample-{part}-of-{parts}.log",
    benchmark:
        "logs/{dataset}/resample-{part}-of-{parts}.benchmark.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=planned_mb("resample"),
        runtime=planned_minutes("resample"),
    params:
        out=subpath(output[0], ancestor=2),
        device=DEVICE,
    message:
        "Learn {wildcards.dataset} again on random halves of its cells, part {wildcards.part} of {wildcards.parts}."
    shell:
        "acyclome resample {params.out:q} --part {wildcards.part} --parts {wildcards.parts} --threads {threads}"
        " {params.device} > {log:q} 2>&1"

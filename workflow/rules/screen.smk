rule screen_candidates:
    input:
        "results/{dataset}/stages/prepared.h5",
        "results/{dataset}/stages/config.json",
    output:
        "results/{dataset}/stages/screen.npz",
    log:
        "logs/{dataset}/screen.log",
    benchmark:
        "logs/{dataset}/screen.benchmark.tsv"
    conda:
        ENVIRONMENT
    threads: 8
    resources:
        mem_mb=planned_mb("screen"),
        runtime=planned_minutes("screen"),
    params:
        out=subpath(output[0], ancestor=2),
        device=DEVICE,
    message:
        "Choose the candidate causes of every gene of {wildcards.dataset}."
    shell:
        "acyclome screen {params.out:q} --threads {threads} {params.device} > {log:q} 2>&1"

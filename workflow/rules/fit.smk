rule fit_network:
    input:
        "results/{dataset}/stages/prepared.h5",
        "results/{dataset}/stages/config.json",
        "results/{dataset}/stages/screen.npz",
    output:
        "results/{dataset}/stages/fit.npz",
    log:
        "logs/{dataset}/fit.log",
    benchmark:
        "logs/{dataset}/fit.benchmark.tsv"
    wildcard_constraints:
        dataset=networks(row for row in LEARNED if not is_sharded(row)),
    conda:
        ENVIRONMENT
    threads: 8
    resources:
        mem_mb=planned_mb("fit"),
        runtime=planned_minutes("fit"),
    params:
        out=subpath(output[0], ancestor=2),
        device=DEVICE,
    message:
        "Fit {wildcards.dataset} under the acyclicity constraint."
    shell:
        "acyclome fit {params.out:q} --threads {threads} {params.device} > {log:q} 2>&1"

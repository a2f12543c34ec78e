rule order_genes:
    input:
        "results/{dataset}/stages/prepared.h5",
        "results/{dataset}/stages/config.json",
        "results/{dataset}/stages/screen.npz",
        "results/{dataset}/stages/fit.npz",
    output:
        "results/{dataset}/stages/order.npz",
    log:
        "logs/{dataset}/order.log",
    benchmark:
        "logs/{dataset}/order.benchmark.tsv"
    conda:
        ENVIRONMENT
    threads: 8
    resources:
        mem_mb=planned_mb("order"),
        runtime=planned_minutes("order"),
    params:
        out=subpath(output[0], ancestor=2),
        device=DEVICE,
    message:
        "Search the order of the genes of {wildcards.dataset}."
    shell:
        "acyclome order {params.out:q} --threads {threads} {params.device} > {log:q} 2>&1"

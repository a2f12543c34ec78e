# The door: `snakemake` in this folder builds what workflow/Snakefile builds.
# The rule below is needed: a default target inside an included file is ignored (snakemake#2056).
include: "workflow/Snakefile"


rule acyclome:
    default_target: True
    input:
        rules.all.input,
    localrule: True
    message:
        "The networks and reports of all data sets are there."

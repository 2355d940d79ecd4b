"""Runs `tensorio convert --out-dir` through rdd.pipe, on two executors of a cluster of its own.

    batch_spark.py WORK FOLDER TENSORIO OPTION…
"""

import os
import pathlib
import shlex
import sys

import pyspark

work, folder, tensorio, *options = sys.argv[1:]
work = pathlib.Path(work)
os.environ["SPARK_HOME"] = os.path.dirname(pyspark.__file__)
os.environ["PYSPARK_PYTHON"] = sys.executable


def context(master):
    settings = pyspark.SparkConf().setMaster(master).setAppName("tensorio")
    settings.set("spark.ui.enabled", "false").set("spark.driver.host", "127.0.0.1")
    settings.set("spark.local.dir", str(work)).set("spark.executor.memory", "1g")
    return pyspark.SparkContext(conf=settings)


master = os.environ.get("TENSORIO_SPARK_MASTER", "local-cluster[2,1,1024]")
spark = context(master)
spark.setLogLevel("OFF")
names = (work / "lines").read_text().splitlines()
command = shlex.join(
    [tensorio, "convert", "--files-from", "-", "--out-dir", str(work / folder), "--jobs", "1",
     *options])
# checkCode: of a process that fails, Spark runs the part once more.
lines = spark.parallelize(names, 8).pipe(command, checkCode=True).collect()
(work / f"{folder}.jsonl").write_text("".join(line + "\n" for line in lines))
print(f"batch-check: PySpark {pyspark.__version__}, {master}", file=sys.stderr)
spark.stop()

"""examples/sklearn_digits.py with the real scikit-learn."""
from scripts import HERE  # noqa: F401 - for the folder of cluster.py

from cluster import case, main
from endures import example
from expect import check, equal


@case
def thirty_models_endure_the_deaths_of_the_head_and_of_their_executor(scene):
    """That one which goes on has seen as much as its results say: t counts samples."""
    found = example(scene, "sklearn_digits", 30, ["accuracy", "t"])
    best = max(result["accuracy"] for result in found)
    check(best > 0.95, "digits are learned: %s" % best)
    passes = {(result["t"] - 1) / result["training_iteration"] for result in found}
    equal(passes, {1347.0}, "samples a pass")


if __name__ == "__main__":
    main()

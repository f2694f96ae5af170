"""A linear model of scikit-learn's learns its digits, a pass over the data at a time.

    pip install scikit-learn
    assay run examples/sklearn_digits.yaml
"""
import pickle

import assay
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

# Once a node: trials are forks of the process that has it.
IMAGES, DIGITS = load_digits(return_X_y=True)
X, X_TEST, Y, Y_TEST = train_test_split(IMAGES / 16, DIGITS, test_size=0.25, random_state=0)


def train(config):
    saved = assay.get_checkpoint()
    if saved is None:
        model = SGDClassifier(loss=config["loss"], penalty=config["penalty"], alpha=config["alpha"],
                              learning_rate="constant", eta0=config["eta0"],
                              random_state=assay.current_trial().seed % 2**32)
    else:
        model = pickle.loads((saved / "model").read_bytes())
    while True:
        model.partial_fit(X, Y, classes=range(10))
        assay.report(accuracy=model.score(X_TEST, Y_TEST), t=model.t_)
        if assay.should_checkpoint():
            with assay.checkpoint() as folder:
                (folder / "model").write_bytes(pickle.dumps(model))

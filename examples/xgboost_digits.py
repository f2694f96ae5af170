"""Trees of XGBoost's tell the digits of scikit-learn apart: each round of boosting is a result.

    pip install xgboost scikit-learn
    assay run examples/xgboost_digits.yaml
"""
import assay
import assay.xgboost
import xgboost
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

ROUNDS = 27


def train(config):
    # Nothing is computed before here: trials are forks of the process that has imported all this.
    images, digits = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(images, digits, test_size=0.25, random_state=0)
    report = assay.xgboost.ReportCallback()
    xgboost.train(
        {"objective": "multi:softprob", "num_class": 10, "eval_metric": "mlogloss", "nthread": 1,
         "seed": assay.current_trial().seed % 2**31, **config},
        xgboost.DMatrix(x, y), report.rounds(ROUNDS), evals=[(xgboost.DMatrix(x_test, y_test), "test")],
        xgb_model=report.model, callbacks=[report], verbose_eval=False)

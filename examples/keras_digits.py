"""A network of Keras's learns the digits of scikit-learn: each epoch is a result, ASHA stops the worse ones.

    pip install keras jax scikit-learn
    assay run examples/keras_digits.yaml
"""
import assay
import assay.keras
import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

EPOCHS = 27


def train(config):
    # Nothing is computed before here: trials are forks of the process that has imported all this.
    keras.utils.set_random_seed(assay.current_trial().seed % 2**32)
    images, digits = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(images / 16, digits, test_size=0.25, random_state=0)
    model = keras.Sequential([
        keras.layers.Input((64,)),
        keras.layers.Dense(config["units"], activation=config["activation"]),
        keras.layers.Dropout(config["dropout"]),
        keras.layers.Dense(10, activation="softmax"),
    ])
    model.compile(keras.optimizers.Adam(config["lr"]), "sparse_categorical_crossentropy", metrics=["accuracy"])
    report = assay.keras.ReportCallback()
    model.fit(x, y, validation_data=(x_test, y_test), batch_size=config["batch"], epochs=EPOCHS,
              initial_epoch=report.initial_epoch, callbacks=[report], verbose=0)

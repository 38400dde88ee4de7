"""The questions that end a finding. Each leads to the line with the mistake, and does not give the answer away."""

QUESTIONS = {
    # by what the numbers show: explain.py
    "shape": "What shape does each array on the way have, and over which axes does each sum run?",
    "zero": "Along which path does this input affect the loss, and where is that path cut?",
    "factor": "Write the formula again, with its constants: which of them does your code lack, or have twice?",
    "sign": "If this input grows a little, does the loss rise or fall? "
    "What is the sign of each step of the chain rule?",
    "formula": "Write the formula on paper, factor by factor. Which array does your code use for each of them?",
    "term": "How many terms does the formula have on paper? Find each of them in your code.",
    "epsilon": "What does your code add to a number so that its logarithm or its inverse stays finite, and where?",
    "part": "What is special about these elements, in the input or in your indices?",
    # by the kind of the change that makes every number right: search.py and versions.py
    "missing path": "Along which paths does this input affect the value? Which of your terms belongs to each?",
    "wrong path": "What is the derivative of each step on that path, with its sign and its constants?",
    "missing factor": "In the chain rule, each step contributes one factor. Which factor is missing from your code?",
    "extra factor": "Which step of the forward pass does each of your factors come from?",
    "wrong sign": "If this number grows a little, does the loss rise or fall?",
    "other array": "Write the formula on paper, factor by factor. Which array does your code use for each of them?",
    "dy not used": "How does this derivative depend on the loss, if not through dy?",
    "transposed": "Write the sum for one element, with its indices. Over which index does it run?",
    "order": "Write the step for one element, with its indices. What is on the left, and what on the right?",
    "axis": "Over which index does this step run in the formula, and which axis is that?",
    "missing sum": "How many elements of the value does one element of this input affect? Where do you add them up?",
    "extra sum": "Which elements of the value does one element of this input affect?",
    "sum or mean": "Where, if anywhere, does the forward pass divide by a number of elements?",
    "power": "Differentiate the step on paper. Which power of this number do you get?",
    "one minus": "Differentiate the step on paper, and compare it with your line.",
    "missing term": "How many terms does the formula have on paper? Find each of them in your code.",
    "extra term": "How many terms does the formula have on paper? Find each of them in your code.",
    "other function": "Which function does the formula have here?",
    "constant": "Which numbers does the formula contain, and which does your line contain?",
    "moved": "Which element of the value does each element of this input affect?",
    "argument": "Which arguments does each of your calls take, and what does each argument mean?",
    "condition": "In which cases must this line run, and in which must it not?",
    "place": "In which order must these lines run, and how often must each of them run?",
}

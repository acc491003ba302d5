"""The languages inside a connector file: JMESPath with our functions, JSONPath, placeholders.

Text comes in, compiled expressions and parsed templates come out. What they are used for, and where
in the file they stand, is not known here.
"""

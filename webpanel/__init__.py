"""The panel: the screens of operators, officers and supervisors."""
